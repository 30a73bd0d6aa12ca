"""Reads storage targets with the official SDKs, and prints the results as one line of JSON.

Usage: list_storage.py ENDPOINT SECRET_ID SECRET_KEY BUCKET PREFIX DELIMITER MAX_KEYS TOPIC KAFKA_INSTANCE KAFKA_TOPIC

Requests to the bucket go through the endpoint as a proxy, so that they have the bucket's own host.
"""

import json
import logging
import sys
import time

from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError
from tencentcloud.cam.v20190116 import cam_client
from tencentcloud.cam.v20190116 import models as cam
from tencentcloud.ckafka.v20190819 import ckafka_client
from tencentcloud.ckafka.v20190819 import models as ckafka
from tencentcloud.cls.v20201016 import cls_client
from tencentcloud.cls.v20201016 import models as cls
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

REGION = "ap-guangzhou"
MAX_PAGES = 100


def list_bucket(client, bucket, prefix, delimiter, max_keys):
    keys, folders, marker = [], [], ""
    for number in range(1, MAX_PAGES + 1):
        try:
            page = client.list_objects(
                Bucket=bucket, Prefix=prefix, Delimiter=delimiter, Marker=marker, MaxKeys=max_keys
            )
        except CosServiceError as error:
            return {"status": error.get_status_code(), "code": error.get_error_code()}
        keys += [[item["Key"], item["LastModified"]] for item in page.get("Contents", [])]
        folders += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        if page["IsTruncated"] == "false":
            return {"pages": number, "keys": keys, "folders": folders}
        marker = page["NextMarker"]
    raise SystemExit(f"more than {MAX_PAGES} pages")


def attempt(call):
    try:
        return call()
    except TencentCloudSDKException as error:
        return {"code": error.get_code()}


def main():
    endpoint, secret_id, secret_key, bucket, prefix, delimiter, max_keys, topic, instance, kafka_topic = sys.argv[1:]
    # The SDK logs refused requests with their signatures.
    logging.disable(logging.CRITICAL)
    config = CosConfig(
        Region=REGION,
        SecretId=secret_id,
        SecretKey=secret_key,
        Scheme="http",
        Proxies={"http": f"http://{endpoint}"},
        Timeout=10,
        AutoSwitchDomainOnRetry=False,
    )
    found = {"bucket": list_bucket(CosS3Client(config, retry=0), bucket, prefix, delimiter, int(max_keys))}

    profile = ClientProfile(
        httpProfile=HttpProfile(protocol="http", endpoint=endpoint, reqTimeout=10), signMethod="TC3-HMAC-SHA256"
    )
    key = credential.Credential(secret_id, secret_key)

    def describe_topics():
        request = cls.DescribeTopicsRequest()
        topic_filter = cls.Filter()
        topic_filter.Key, topic_filter.Values = "topicId", [topic]
        request.Filters, request.Limit = [topic_filter], 1
        answer = cls_client.ClsClient(key, REGION, profile).DescribeTopics(request)
        return [[item.TopicId, item.Index] for item in answer.Topics]

    def histogram():
        request = cls.DescribeLogHistogramRequest()
        now = int(time.time()) * 1000
        request.From, request.To, request.Interval = now - 7_200_000, now + 600_000, 60_000
        request.Query, request.TopicId, request.SyntaxRule = "", topic, 1
        answer = cls_client.ClsClient(key, REGION, profile).DescribeLogHistogram(request)
        filled = [[item.BTime, item.Count] for item in answer.HistogramInfos if item.Count]
        return {"total": answer.TotalCount, "filled": filled}

    def attributes():
        request = ckafka.DescribeTopicAttributesRequest()
        request.InstanceId, request.TopicName = instance, kafka_topic
        answer = ckafka_client.CkafkaClient(key, REGION, profile).DescribeTopicAttributes(request)
        return answer.Result.PartitionNum

    def app_id():
        return cam_client.CamClient(key, REGION, profile).GetUserAppId(cam.GetUserAppIdRequest()).AppId

    found |= {
        "topics": attempt(describe_topics),
        "histogram": attempt(histogram),
        "kafka": attempt(attributes),
        "app_id": attempt(app_id),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
