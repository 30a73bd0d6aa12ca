//! Cloud Access Management: the APPID of an account, which is a part of the hosts of its buckets.
//!
//! Source: the CAM API, version 2019-01-16 (`GetUserAppId`).

use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::tencent::api_client::{ApiClient, ClientParts};
use crate::tencent::bounded::Object;
use crate::tencent::call::{Call, CallLimits};
use crate::tencent::envelope::{Content, ErrorBody, parse_response};
use crate::tencent::lenient::Field;
use crate::tencent::observer::Observer;
use crate::tencent::redactor::Redactor;
use crate::tencent::signer::Service;

/// The name of the product in signatures.
pub const CAM_NAME: &str = "cam";

const CAM: Service = Service {
    name: CAM_NAME,
    version: "2019-01-16",
};

/// The API's name of the action that returns the APPID.
pub const GET_USER_APP_ID: &str = "GetUserAppId";

/// Calls CAM with one identity.
pub(super) struct CamClient {
    api: ApiClient,
    app_id: OnceCell<String>,
}

impl CamClient {
    pub(super) fn new(parts: ClientParts, limits: CallLimits) -> Self {
        Self {
            api: ApiClient::new(CAM, parts, limits),
            app_id: OnceCell::new(),
        }
    }

    /// Returns the APPID of the account of the keys. It never changes, so one response suffices.
    pub(super) async fn app_id(
        &self,
        retry_until: Instant,
        observer: &dyn Observer,
    ) -> Result<&str, Failure> {
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
            let read = |response: AppIdResponse| response.app_id.required("AppId");
            parse_response(body, redactor, read)
        };
        let request = || async {
            let app_id = self.api.call(call, observer, parse).await?;
            Ok(app_id.to_string())
        };
        self.app_id
            .get_or_try_init(request)
            .await
            .map(String::as_str)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AppIdResponse {
    app_id: Field<u64>,
    error: Field<Object<ErrorBody>>,
}

impl Content for AppIdResponse {
    fn error(&mut self) -> Field<Object<ErrorBody>> {
        std::mem::take(&mut self.error)
    }
}
