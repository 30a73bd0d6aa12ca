"""The obvious exporter in Python: the official SDK and prometheus_client, a thread for every few accounts.

Usage: peer.py CLOUD ACCOUNTS INTERVAL_SECONDS PAGE_SIZE PORT
"""

import sys
import threading
import time
from datetime import datetime

from prometheus_client import Gauge, start_http_server
from tencentcloud.cloudaudit.v20190319 import cloudaudit_client, models
from tencentcloud.common import credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

THREADS = 8
REGION = "ap-guangzhou"
TRACK = ["account", "region", "track_id", "track"]

enabled = Gauge("cloudaudit_track_enabled", "1 if the track is enabled.", TRACK)
created = Gauge("cloudaudit_track_created_timestamp_seconds", "Unix time of its creation.", TRACK)
info = Gauge("cloudaudit_track_info", "Always 1.", [*TRACK, "storage_type", "storage_region", "storage_name"])
succeeded = Gauge("cloudaudit_last_success_timestamp_seconds", "Unix time.", ["account", "region"])


class Account:
    def __init__(self, cloud, number, page_size):
        self.name, self.page_size = f"account-{number:05}", page_size
        key = credential.Credential(f"AKID{number:05}", f"key-{number}")
        http = HttpProfile(protocol="http", endpoint=cloud, reqTimeout=10, keepAlive=True)
        self.client = cloudaudit_client.CloudauditClient(key, REGION, ClientProfile(httpProfile=http))

    def poll(self):
        request, tracks = models.DescribeAuditTracksRequest(), []
        request.PageNumber, request.PageSize = 0, self.page_size
        while True:
            request.PageNumber += 1
            answer = self.client.DescribeAuditTracks(request)
            tracks += answer.Tracks
            if not answer.Tracks or len(tracks) >= answer.TotalCount:
                break
        for track in tracks:
            labels = [self.name, REGION, str(track.TrackId), track.Name]
            storage = track.Storage
            enabled.labels(*labels).set(track.Status)
            created.labels(*labels).set(datetime.strptime(track.CreateTime, "%Y-%m-%d %H:%M:%S").timestamp())
            info.labels(*labels, storage.StorageType, storage.StorageRegion, storage.StorageName).set(1)
        succeeded.labels(self.name, REGION).set_to_current_time()


def work(accounts, interval, polled):
    for account in accounts:
        account.poll()
    polled.wait()
    due = time.monotonic()
    while True:
        for account in accounts:
            due = max(due + interval / len(accounts), time.monotonic())
            time.sleep(due - time.monotonic() if due > time.monotonic() else 0)
            account.poll()


def main():
    cloud, count, interval, page_size, port = sys.argv[1:]
    accounts = [Account(cloud, number, int(page_size)) for number in range(int(count))]
    threads = min(THREADS, len(accounts))
    polled = threading.Barrier(threads + 1)
    for thread in range(threads):
        share = accounts[thread::threads]
        threading.Thread(target=work, args=(share, float(interval), polled), daemon=True).start()
    start_http_server(int(port), "127.0.0.1")
    polled.wait()
    print(f"127.0.0.1:{port}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
