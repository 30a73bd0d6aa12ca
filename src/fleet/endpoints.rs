//! The endpoints that an account or an organization needs.

use crate::config::{self, Credentials};
use crate::tencent::Endpoint;

/// Returns the endpoints for an organization itself, without those of its members.
pub(crate) fn organization_endpoints(organization: &config::Organization) -> Vec<config::Endpoint> {
    let mut endpoints = account_endpoints(&organization.admin());
    endpoints.push(organization.endpoint.clone());
    endpoints
}

/// Returns the endpoints for an account: CloudAudit, STS, and the source of its keys.
pub(crate) fn account_endpoints(account: &config::Account) -> Vec<config::Endpoint> {
    let mut endpoints = vec![account.endpoint.clone()];
    if verifies_owner(account) {
        endpoints.push(account.sts_endpoint.clone());
    }
    endpoints.extend(account.assume_role.iter().map(|role| role.endpoint.clone()));
    if let Some(delivery) = &account.delivery {
        endpoints.extend([
            delivery.cos_host(),
            delivery.cls_endpoint.clone(),
            delivery.ckafka_endpoint.clone(),
            delivery.cam_endpoint.clone(),
        ]);
    }
    match &account.credentials {
        Credentials::CvmRole { endpoint, .. } | Credentials::TkeOidc { endpoint } => {
            endpoints.push(endpoint.clone());
        }
        Credentials::Default => {
            endpoints.extend([account.sts_endpoint.clone(), config::Endpoint::metadata()]);
        }
        _ => {}
    }
    endpoints
}

/// Returns an endpoint of the configuration as the API client names it.
pub(super) fn api_endpoint(configured: &config::Endpoint) -> Endpoint {
    Endpoint {
        url: configured.to_string().into(),
        host: configured.authority().into(),
    }
}

/// Returns whether the exporter may ask STS which account owns the keys.
fn verifies_owner(account: &config::Account) -> bool {
    let is_of_machine = matches!(
        account.credentials,
        Credentials::CvmRole { .. } | Credentials::TkeOidc { .. }
    );
    account.uin.is_some() || (account.assume_role.is_none() && !is_of_machine)
}
