"""A region as somebody wants it set up, as TOML with all that can be said."""

from __future__ import annotations

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3Yh7mPcT8n6mGm0y0N5mIkzj4mCqS1c5Jx8mQk7Qe bot@test"
WHOLE = f"""
name = "lab"
upstream_dns = "8.8.8.8"
main_archive = "http://mirror.example/ubuntu"
ports_archive = "http://mirror.example/ports"
releases = ["focal", "jammy"]
ssh_keys = ["{KEY}"]
ssh_import = ["lp:olga"]
[dhcp]
subnet = "10.98.0.0/24"
[settings]
ntp_servers = "ntp.example"
commissioning_distro_series = "jammy"
"""
