"""Lists tracks with the official SDK, page by page, and prints them as one line of JSON.

Usage: list_tracks.py ENDPOINT SECRET_ID SECRET_KEY PAGE_SIZE
"""

import json
import sys

from tencentcloud.cloudaudit.v20190319 import cloudaudit_client, models
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

MAX_PAGES = 100


def walk(client, page_size):
    tracks = []
    for number in range(1, MAX_PAGES + 1):
        request = models.DescribeAuditTracksRequest()
        request.PageNumber = number
        request.PageSize = page_size
        answer = client.DescribeAuditTracks(request)
        tracks += answer.Tracks
        if not answer.Tracks or len(tracks) >= answer.TotalCount:
            return {"pages": number, "total": answer.TotalCount, "tracks": [show(track) for track in tracks]}
    raise SystemExit(f"more than {MAX_PAGES} pages")


def show(track):
    return [track.TrackId, track.Name, track.Status, track.Storage.StorageType]


def main():
    endpoint, secret_id, secret_key, page_size = sys.argv[1:]
    http_profile = HttpProfile(protocol="http", endpoint=endpoint, reqTimeout=10)
    profile = ClientProfile(httpProfile=http_profile, signMethod="TC3-HMAC-SHA256")
    key = credential.Credential(secret_id, secret_key)
    client = cloudaudit_client.CloudauditClient(key, "ap-guangzhou", profile)
    try:
        found = walk(client, int(page_size))
    except TencentCloudSDKException as error:
        found = {"code": error.get_code(), "request_id": error.get_request_id()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
