"""Lists operation records with the official SDK, page by page, and prints them as one line of JSON.

Usage: list_events.py ENDPOINT SECRET_ID SECRET_KEY FROM UNTIL PAGE_SIZE
"""

import json
import sys

from tencentcloud.cloudaudit.v20190319 import cloudaudit_client, models
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

MAX_PAGES = 100


def attribute(key, value):
    attribute = models.LookupAttribute()
    attribute.AttributeKey = key
    attribute.AttributeValue = value
    return attribute


def walk(client, start, end, page_size):
    events, tokens = [], []
    request = models.DescribeEventsRequest()
    request.StartTime = start
    request.EndTime = end
    request.MaxResults = page_size
    request.LookupAttributes = [attribute("ResourceType", "cloudaudit"), attribute("ActionType", "Write")]
    for _ in range(MAX_PAGES):
        answer = client.DescribeEvents(request)
        events += answer.Events
        if answer.ListOver or not answer.Events:
            return {"tokens": tokens, "events": [show(event) for event in events]}
        tokens.append(answer.NextToken)
        request.NextToken = answer.NextToken
    raise SystemExit(f"more than {MAX_PAGES} pages")


def show(event):
    record = json.loads(event.CloudAuditEvent)
    parameters = json.loads(record["requestParameters"])
    user = record["userIdentity"]["userName"]
    return [event.EventName, event.Username, user, parameters, event.ErrorCode, event.Resources.ResourceType]


def main():
    endpoint, secret_id, secret_key, start, end, page_size = sys.argv[1:]
    http_profile = HttpProfile(protocol="http", endpoint=endpoint, reqTimeout=10)
    profile = ClientProfile(httpProfile=http_profile, signMethod="TC3-HMAC-SHA256")
    key = credential.Credential(secret_id, secret_key)
    client = cloudaudit_client.CloudauditClient(key, "ap-guangzhou", profile)
    try:
        found = walk(client, int(start), int(end), int(page_size))
    except TencentCloudSDKException as error:
        found = {"code": error.get_code(), "request_id": error.get_request_id()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
