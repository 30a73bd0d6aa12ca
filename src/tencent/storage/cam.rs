//! Cloud Access Management: the APPID of an account, which is a part of the hosts of its buckets.
//!
//! Source: the CAM API, version 2019-01-16 (`GetUserAppId`).

use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::escape::escaped;
use crate::failure::{Failure, Reason};
use crate::tencent::api_client::{ApiClient, ClientParts};
use crate::tencent::bounded::Object;
use crate::tencent::call::{Call, CallLimits};
use crate::tencent::envelope::{Content, ErrorBody, parse_response};
use crate::tencent::lenient::{Field, Text};
use crate::tencent::observer::Observer;
use crate::tencent::redactor::Redactor;
use crate::tencent::signer::Service;

const CAM: Service = Service {
    name: "cam",
    version: "2019-01-16",
};

/// The API's name of the action that returns the APPID.
pub const GET_USER_APP_ID: &str = "GetUserAppId";

/// Calls CAM with one identity.
pub(super) struct CamClient {
    api: ApiClient,
    /// Held during a request, so that concurrent checks send one request.
    found: Mutex<Option<AppId>>,
}

/// The APPID of an account.
#[derive(Clone)]
struct AppId {
    app_id: u64,
    /// The UIN of the account, if the response names it.
    owner: Option<String>,
}

impl CamClient {
    pub(super) fn new(parts: ClientParts, limits: CallLimits) -> Self {
        Self {
            api: ApiClient::new(CAM, parts, limits),
            found: Mutex::default(),
        }
    }

    /// Returns the APPID of the account of the keys. The APPID never changes, so one response is
    /// enough.
    pub(super) async fn app_id(
        &self,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<String, Failure> {
        let mut found = self.found.lock().await;
        let app_id = match &*found {
            Some(app_id) => app_id.clone(),
            None => self.request(retry_until, observer).await?,
        };
        // Without this, a gateway that exchanges responses could show the bucket of another account.
        let own = self.api.parts().provider.owner();
        if let (Some(owner), Some(own)) = (&app_id.owner, own)
            && *owner != own
        {
            *found = None;
            let message = format!(
                "{GET_USER_APP_ID} returned the APPID of account {}, but the key belongs to account {own}; check \
                 the gateway or proxy on the way, or set appid",
                escaped(owner)
            );
            return Err(Failure::new(Reason::Malformed, message));
        }
        Ok(found.insert(app_id).app_id.to_string())
    }

    async fn request(
        &self,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<AppId, Failure> {
        let call = Call {
            action: GET_USER_APP_ID,
            // The product has no regions.
            region: None,
            body: "{}",
            signed: true,
            secrets: &[],
            retry_until,
        };
        let parse = |body: &[u8], redactor: &Redactor| {
            let read = |response: AppIdResponse| match response.app_id.required("AppId")? {
                0 => Err("AppId is 0".to_owned()),
                app_id => Ok(AppId {
                    app_id,
                    owner: response
                        .owner_uin
                        .ok()
                        .map(|Text(uin)| uin)
                        .filter(|uin| !uin.is_empty()),
                }),
            };
            parse_response(body, redactor, read)
        };
        self.api.call(call, observer, parse).await
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AppIdResponse {
    app_id: Field<u64>,
    owner_uin: Field<Text>,
    error: Field<Object<ErrorBody>>,
}

impl Content for AppIdResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}
