"""Which of the calls given on standard input moto does not have.

In:  [{"service": "ec2", "operation": "DescribeInstances"}, ...], services as in core/aws/services.
Out: those that no response class of moto's service has a method for, as JSON. A service moto does not have lacks all.
"""
import importlib
import json
import re
import sys

from moto.core.responses import BaseResponse

# core/aws/services -> moto, where the names differ
MODULES = {"lambda": "awslambda", "sfn": "stepfunctions"}

# S3 answers these from within its bucket routes, without a method of their own. Each is played by a test here.
ROUTED = {
    "s3": {
        "GetBucketLifecycleConfiguration",
        "GetBucketTagging",
        "PutBucketLifecycleConfiguration",
        "PutBucketLogging",
        "PutBucketPolicy",
        "PutPublicAccessBlock",
    }
}


def snake(name):
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def methods(service):
    try:
        module = importlib.import_module(f"moto.{MODULES.get(service, service)}.responses")
    except ModuleNotFoundError:
        return set()
    classes = [
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, BaseResponse) and found is not BaseResponse
    ]
    inherited = set(dir(BaseResponse))
    return {name for found in classes for name in dir(found)} - inherited


known = {}
lacking = []
for call in json.load(sys.stdin):
    service, operation = call["service"], call["operation"]
    if service not in known:
        known[service] = methods(service)
    if snake(operation) not in known[service] and operation not in ROUTED.get(service, set()):
        lacking.append(call)
json.dump(lacking, sys.stdout)
