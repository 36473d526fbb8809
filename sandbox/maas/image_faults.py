"""What goes wrong with images: mirrors that stall, crawl, lose files, and regions that are restarted."""

from __future__ import annotations

IMAGE_FAULTS = {
    "stalled-import": "The image mirror stops sending and keeps the connection: an import makes no progress and does "
    "not end. Switched off, the connection ends, and the import with it.",
    "slow-mirror": "The image mirror sends slowly. Parameters: rate (bytes/s, 250000 if not given).",
    "image-file-fails": "An image's largest file is missing on the mirror, cut, or of another checksum: the import "
    "ends early and says nothing.",
    "index-missing": "The mirror's index is not found: the import ends at once, with a notice.",
    "index-signature": "The mirror's index is signed with another key: the import ends at once and says nothing.",
    "image-disk-full": "The region has no room for images: the import ends early and says nothing.",
    "region-restarted": "The region is restarted now: an import is cut, half images stay. On until the next begins.",
    "racks-behind": "The rack controller does not fetch the region's images.",
}

#: What makes an import end while it loads the files of new images.
CUTS = ("image-file-fails", "image-disk-full")
SLOW_RATE = 250_000
