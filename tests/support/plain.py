"""The presets without what a configuration can leave out; tests add the options they are about."""

from hw.config import OPTIONS, PRESETS

NOTHING = {**dict.fromkeys(OPTIONS, False), "mvin_bytes": 64}
PLAIN = {name: config.replace(**NOTHING) for name, config in PRESETS.items()}
