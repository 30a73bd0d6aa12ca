"""Assumes a role with the official SDK, in one of three ways, and prints its identity and the tracks
that it lists, as one line of JSON.

Usage: become.py ENDPOINT role SECRET_ID SECRET_KEY ROLE_ARN EXTERNAL_ID
       become.py ENDPOINT pod PROVIDER_ID TOKEN ROLE_ARN
       become.py ENDPOINT machine
"""

import json
import sys

from list_tracks import walk
from tencentcloud.cloudaudit.v20190319 import cloudaudit_client
from tencentcloud.common import credential
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sts.v20180813 import models, sts_client

REGION = "ap-guangzhou"
SESSION = "python-sdk"


def assume_role(profile, secret_id, secret_key, arn, external_id):
    client = sts_client.StsClient(credential.Credential(secret_id, secret_key), REGION, profile)
    request = models.AssumeRoleRequest()
    request.RoleArn = arn
    request.RoleSessionName = SESSION
    request.ExternalId = external_id
    key = client.AssumeRole(request).Credentials
    return credential.Credential(key.TmpSecretId, key.TmpSecretKey, key.Token)


def assume_role_with_web_identity(profile, provider_id, token, arn):
    """As the SDK's own provider does it, which takes no address but one behind TLS."""
    client = CommonClient("sts", "2018-08-13", None, REGION, profile)
    request = {"ProviderId": provider_id, "WebIdentityToken": token, "RoleArn": arn, "RoleSessionName": SESSION}
    answer = client.call_json("AssumeRoleWithWebIdentity", request, options={"SkipSign": True})
    key = answer["Response"]["Credentials"]
    return credential.Credential(key["TmpSecretId"], key["TmpSecretKey"], key["Token"])


def machine(_profile):
    """Its address cannot be set, but it goes through the proxy of the environment."""
    return credential.CVMRoleCredential()


WAYS = {"role": assume_role, "pod": assume_role_with_web_identity, "machine": machine}


def who_and_what(profile, key):
    caller = sts_client.StsClient(key, REGION, profile).GetCallerIdentity(models.GetCallerIdentityRequest())
    found = walk(cloudaudit_client.CloudauditClient(key, REGION, profile), 50)
    return {"account": caller.AccountId, "type": caller.Type, "tracks": found["tracks"]}


def main():
    endpoint, way, *arguments = sys.argv[1:]
    http_profile = HttpProfile(protocol="http", endpoint=endpoint, reqTimeout=10)
    profile = ClientProfile(httpProfile=http_profile, signMethod="TC3-HMAC-SHA256")
    try:
        found = who_and_what(profile, WAYS[way](profile, *arguments))
    except TencentCloudSDKException as error:
        found = {"code": error.get_code()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
