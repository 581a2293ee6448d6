"""Compares what a step of a scenario gave with what was recorded (see "Comparing" in SCENARIOS.md)."""
import json

# Words and the exact start may be better than Terraform's.
FREE = {"detail", "more_errors", "summary", "column"}
DIAGNOSTICS = ("error", "more_errors", "warnings", "apply_warnings")
# Lists whose elements belong together by address.
BY_ADDRESS = ("plan.resource_changes", "plan.resource_drift", "state")


def differences(expected, got):
    """What differs, a line each."""
    found = []
    compare(expected, recorded_error_first(expected, got), "", found)
    return found


def recorded_error_first(expected, got):
    """The recorded error may be any of those reported: if it is a later one, takes that as the first."""
    if not (expected.get("error") and got.get("error")):
        return got
    for other in got.get("more_errors") or []:
        if bound(other) == bound(expected["error"]):
            return {**got, "error": other}
    return got


def bound(diagnostic):
    """What of a diagnostic is compared."""
    return {key: value for key, value in diagnostic.items() if key not in FREE}


def compare(expected, got, path, found):
    """Adds the differences below `path`. What stands as "<any>" is made up anew in each run."""
    if expected == "<any>":
        return
    if isinstance(expected, dict) and isinstance(got, dict):
        compare_objects(expected, got, path, found)
    elif isinstance(expected, list) and isinstance(got, list):
        if path in BY_ADDRESS:
            compare_by_address(expected, got, path, found)
        elif len(expected) != len(got):
            found.append(f"{path}: expected {len(expected)} items, got {len(got)}: {short(expected)} / {short(got)}")
        else:
            for index, (one, other) in enumerate(zip(expected, got)):
                compare(one, other, f"{path}[{index}]", found)
    elif expected != got or (type(expected) is bool) != (type(got) is bool):
        found.append(f"{path}: expected {short(expected)}, got {short(got)}")


def compare_objects(expected, got, path, found):
    """Compares member by member."""
    free = FREE if path == "" or path.startswith(DIAGNOSTICS) else ()
    for key in sorted({*expected, *got}.difference(free)):
        below = f"{path}.{key}" if path else key
        if key not in got:
            found.append(f"{below}: missing, expected {short(expected[key])}")
        elif key not in expected:
            found.append(f"{below}: unexpected {short(got[key])}")
        else:
            compare(expected[key], got[key], below, found)


def compare_by_address(expected, got, path, found):
    """Compares lists of objects that have an address, so that one more does not shift the others."""
    by_key = [{(one["address"], bool(one.get("deposed"))): one for one in side} for side in (expected, got)]
    for key in sorted({*by_key[0], *by_key[1]}):
        below = f"{path}[{key[0]}{' deposed' if key[1] else ''}]"
        if key not in by_key[1]:
            found.append(f"{below}: missing")
        elif key not in by_key[0]:
            found.append(f"{below}: unexpected")
        else:
            compare(by_key[0][key], by_key[1][key], below, found)


def short(value):
    """A value as JSON, cut."""
    return json.dumps(value, ensure_ascii=False)[:200]
