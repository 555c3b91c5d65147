"""
Holds recorded requests and answers against AWS's own models, as botocore ships them. Reads the records named as arguments, and
writes a line of JSON for each kind of problem: service, operation, side, path, problem, an example and the records it is in.
"""

import json
import sys

import botocore.model
import botocore.session
import regex

LOADER = botocore.session.get_session().get_component("data_loader")


def service_models():
    """Service names of SDK v3, which are service ids without spaces, to names of botocore."""
    found = {}
    for name in LOADER.list_available_services("service-2"):
        metadata = LOADER.load_service_model(name, "service-2")["metadata"]
        found[metadata.get("serviceId", name).replace(" ", "").lower()] = name
    return found


UNREADABLE = set()
PATTERNS = {}


def pattern_of(text):
    """None where Python cannot read the pattern, which is Java's or JavaScript's."""
    if text not in PATTERNS:
        try:
            PATTERNS[text] = regex.compile(text)
        except regex.error:
            UNREADABLE.add(text)
            PATTERNS[text] = None
    return PATTERNS[text]


def sized(value, metadata, unit):
    if "min" in metadata and value < metadata["min"]:
        yield f"{unit} below {metadata['min']}", value
    if "max" in metadata and value > metadata["max"]:
        yield f"{unit} above {metadata['max']}", value


def texts(shape, value):
    if not isinstance(value, str):
        yield "not a text", value
        return
    yield from sized(len(value), shape.metadata, "length")
    if shape.enum and value not in shape.enum:
        yield "not of the enumeration", value
    pattern = shape.metadata.get("pattern")
    compiled = pattern_of(pattern) if pattern else None
    if compiled and not compiled.fullmatch(value):
        yield f"not of the pattern {pattern}", value


def numbers(shape, value):
    whole = shape.type_name in ("integer", "long")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (whole and value != int(value)):
        yield f"not of the type {shape.type_name}", value
    else:
        yield from sized(value, shape.metadata, "value")


def problems(shape, value, path, side):
    """(path, problem, example) for what the shape does not allow."""
    kind = shape.type_name
    if value is None:
        # SDK v3 leaves out what is undefined; null is not a value of AWS's, but in documents.
        if not getattr(shape, "is_document_type", False):
            yield path, "null", None
    elif kind == "structure":
        yield from structures(shape, value, path, side)
    elif kind == "list":
        if not isinstance(value, list):
            yield path, "not a list", value
            return
        yield from ((path, *one) for one in sized(len(value), shape.metadata, "elements"))
        for member in value:
            yield from problems(shape.member, member, f"{path}[]", side)
    elif kind == "map":
        if not isinstance(value, dict):
            yield path, "not a map", value
            return
        for key, member in value.items():
            yield from problems(shape.key, key, f"{path} key", side)
            yield from problems(shape.value, member, f"{path}.*", side)
    elif kind == "string":
        yield from ((path, *one) for one in texts(shape, value))
    elif kind in ("integer", "long", "float", "double"):
        yield from ((path, *one) for one in numbers(shape, value))
    elif kind == "boolean":
        if not isinstance(value, bool):
            yield path, "not a boolean", value
    elif kind == "timestamp":
        if not (isinstance(value, dict) and "$timestamp" in value):
            yield path, "not a time", value
    elif kind == "blob":
        if not (isinstance(value, dict) and "$bytes" in value) and not (side == "request" and isinstance(value, str)):
            yield path, "not bytes", value
        elif isinstance(value, dict):
            yield from ((path, *one) for one in sized(value["$bytes"], shape.metadata, "length"))


def structures(shape, value, path, side):
    if getattr(shape, "is_document_type", False):
        return
    if not isinstance(value, dict):
        yield path, "not a structure", value
        return
    for name in shape.required_members:
        # An idempotency token is what the SDK fills in itself.
        if value.get(name) is None and not shape.members[name].metadata.get("idempotencyToken"):
            yield f"{path}.{name}", "required and absent", None
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield path, "not exactly one member of a union", sorted(value)
    for name, member in value.items():
        if name in shape.members:
            yield from problems(shape.members[name], member, f"{path}.{name}", side)
        else:
            yield f"{path}.{name}", "unknown member", member


def main():
    services, loaded, found, counts = service_models(), {}, {}, {}
    for record in sys.argv[1:]:
        with open(record, encoding="utf-8") as lines:
            for line in lines:
                seen = json.loads(line)
                key = (seen["service"], seen["operation"], seen["side"])
                counts[key] = counts.get(key, 0) + 1
                for path, problem, example in judged(seen, services, loaded):
                    one = found.setdefault((*key, path, problem), {"example": example, "records": []})
                    if record not in one["records"]:
                        one["records"].append(record)
    for (service, operation, side, path, problem), more in sorted(found.items()):
        print(json.dumps({"service": service, "operation": operation, "side": side, "path": path, "problem": problem, **more}))
    sides = {side: sum(count for key, count in counts.items() if key[2] == side) for side in ("request", "answer")}
    operations = {(service, operation) for service, operation, _ in counts}
    print(json.dumps({"sides": sides, "operations": len(operations), "unreadable": sorted(UNREADABLE)}))


def judged(seen, services, loaded):
    name = services.get(seen["service"].lower())
    if name is None:
        return [("", "no such service", None)]
    if name not in loaded:
        loaded[name] = botocore.model.ServiceModel(LOADER.load_service_model(name, "service-2"), name)
    try:
        model = loaded[name].operation_model(seen["operation"])
    except botocore.model.OperationNotFoundError:
        return [("", "no such operation", None)]
    shape = model.input_shape if seen["side"] == "request" else model.output_shape
    if shape is None:
        return [(f".{member}", "unknown member", value) for member, value in seen["value"].items()]
    return problems(shape, seen["value"], "", seen["side"])


main()
