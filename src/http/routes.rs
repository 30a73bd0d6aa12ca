//! Routes requests to their responses.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::header::{EXPECT, HOST, HeaderName, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use rustls::ServerConfig;
use serde_json::json;
use tracing::debug;

use super::connection_state::ConnectionState;
use super::content::Content;
use super::discarded_body::discard;
use super::handler::{Handler, forgotten_track};
use super::options::Options;
use super::page::{self, Facts, Page};
use super::query::Query;
use super::rendering::Rendering;
use super::response_body::Pieces;
use super::view::View;
use super::{api, encoding, filter_values, response};
use crate::web_config::WebConfig;

/// Responds to requests with what a [`Content`] provides.
pub(super) struct Routes {
    content: Arc<dyn Content>,
    telemetry_path: String,
    route_prefix: String,
    body_time: Duration,
    web_config: Option<Arc<WebConfig>>,
    rendering: Rendering,
}

impl Routes {
    pub(super) fn new(content: Arc<dyn Content>, options: &Options) -> Self {
        Self {
            content,
            telemetry_path: options.telemetry_path.clone(),
            route_prefix: options.route_prefix.clone(),
            // The same limit as for the head.
            body_time: options.limits.headers,
            web_config: options.web_config.clone(),
            rendering: Rendering::new(),
        }
    }

    /// Returns the TLS configuration. `None` if TLS is not configured.
    pub(super) async fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.web_config.as_ref()?.tls().await
    }

    /// Returns the response to a request; hyper adds its length. `state` records whether the
    /// connection waits for the client or for the exporter.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        state: &ConnectionState,
    ) -> Response<Pieces> {
        let (head, body) = request.into_parts();
        let path = self.below_prefix(head.uri.path());
        let handler = Handler::of(path.unwrap_or_default(), &self.telemetry_path);
        let has_body = !body.is_end_stream();
        let (own_headers, refusal) = self.admit(&head, body, state).await;
        let mut response = if let Some(response) = refusal {
            response
        } else {
            let _work = state.start_work();
            self.respond(handler, &head).await
        };
        for (name, value) in own_headers {
            response.headers_mut().insert(name, value); // replaces the exporter's own
        }
        if has_body && head.version < Version::HTTP_2 {
            response = response::and_close(response); // see `head_scanner.rs`
        }
        if head.method == Method::HEAD {
            response = response::without_content(response);
        }
        let (handler, code) = (handler.as_str(), response.status().as_u16());
        debug!(handler, code, method = %head.method, bytes = response.body().left(), "request");
        self.content.record_request(handler, code);
        response
    }

    /// Checks the request, the password and the body, in this order: the body of a client without
    /// the password is not read. Returns the headers that the web configuration adds to the
    /// response, and the response itself if the request is refused.
    async fn admit(
        &self,
        head: &Parts,
        body: Incoming,
        state: &ConnectionState,
    ) -> (Vec<(HeaderName, HeaderValue)>, Option<Response<Pieces>>) {
        let refuse = |status, why| Some(response::text(status, why));
        if !has_its_host(head) {
            let why = "a request needs exactly one Host header";
            return (Vec::new(), refuse(StatusCode::BAD_REQUEST, why));
        }
        let mut own_headers = Vec::new();
        if let Some(web_config) = &self.web_config {
            let path = self.below_prefix(head.uri.path()).unwrap_or_default();
            let _work = state.start_work();
            let (own, authorized) = web_config.authorize(path, &head.headers).await;
            if let Err(why) = authorized {
                return (own, Some(response::denied(why)));
            }
            own_headers = own;
        }
        // A client that waits for a 100 before it sends the body gets the response instead.
        if !body.is_end_stream() && !head.headers.contains_key(EXPECT) {
            let _waiting = state.start_body();
            if let Err(status) = discard(body, self.body_time).await {
                return (own_headers, refuse(status, "no path here needs a body"));
            }
        }
        (own_headers, None)
    }

    /// Returns the path without the prefix, or `None` if it does not begin with the prefix.
    fn below_prefix<'p>(&self, path: &'p str) -> Option<&'p str> {
        if path == "*" {
            return Some(path);
        }
        let below = path.strip_prefix(&self.route_prefix)?;
        below.starts_with('/').then_some(below)
    }

    async fn respond(&self, handler: Handler, head: &Parts) -> Response<Pieces> {
        let Parts {
            method,
            headers,
            uri,
            ..
        } = head;
        match (handler, method) {
            (Handler::NotFound, _) => response::text(
                StatusCode::NOT_FOUND,
                format!(
                    "not found; there are /, {}, /api/v1/targets, /api/v1/tracks, /api/v1/tracks/ID/forget, \
                     /api/v1/changes, /api/v1/delivery, /-/healthy, /-/ready and /-/reload",
                    self.telemetry_path
                ),
            ),
            (_, &Method::OPTIONS) => response::options(handler.allow()),
            (Handler::Metrics, &Method::GET | &Method::HEAD) => {
                let gzip = encoding::prefers_gzip(headers);
                let content = Arc::clone(&self.content);
                let render = move || content.exposition(gzip);
                response::exposition(self.rendering.scrape(render).await, gzip)
            }
            (
                Handler::Page
                | Handler::Targets
                | Handler::Tracks
                | Handler::Changes
                | Handler::Deliveries,
                &Method::GET | &Method::HEAD,
            ) => self.show(handler, uri).await,
            (Handler::Icon, &Method::GET | &Method::HEAD) => response::nothing(),
            (Handler::Healthy, &Method::GET | &Method::HEAD) => match self.content.healthy() {
                Ok(()) => response::text(StatusCode::OK, "healthy"),
                Err(reason) => response::text(StatusCode::SERVICE_UNAVAILABLE, reason),
            },
            (Handler::Ready, &Method::GET | &Method::HEAD) => {
                let content = Arc::clone(&self.content);
                match self.rendering.scrape(move || content.ready()).await {
                    Ok(()) => response::text(StatusCode::OK, "ready"),
                    Err(reasons) => {
                        response::text(StatusCode::SERVICE_UNAVAILABLE, lines(&reasons))
                    }
                }
            }
            // A browser names the page that sends a request. No page of the exporter sends these.
            (Handler::Reload | Handler::Forget, &Method::POST) if headers.contains_key(ORIGIN) => {
                let message = "a page in a browser cannot send this request; use curl";
                response::text(StatusCode::FORBIDDEN, message)
            }
            (Handler::Reload, &Method::POST) => self.reload().await,
            (Handler::Forget, &Method::POST) => self.forget(head).await,
            _ => response::method_not_allowed(handler.allow()),
        }
    }

    /// Returns the page, or the same facts as JSON.
    async fn show(&self, handler: Handler, uri: &Uri) -> Response<Pieces> {
        let states = match handler {
            Handler::Deliveries => filter_values::delivery_states(),
            _ => filter_values::states(),
        };
        let query = Query::parse(uri.query().unwrap_or_default());
        let query = query.and_then(|query| query.with_states(&states));
        let query = match query.and_then(|query| query.with_only(handler.filters())) {
            Ok(query) => query,
            Err(why) if matches!(handler, Handler::Page) => {
                return response::text(StatusCode::BAD_REQUEST, why);
            }
            Err(why) => {
                return response::json(StatusCode::BAD_REQUEST, &json!({ "error": why }));
            }
        };
        let content = Arc::clone(&self.content);
        let telemetry_path = self.telemetry_path.clone();
        let render = move || render(handler, &*content, &query, &telemetry_path);
        let rendered = self.rendering.page(render).await;
        rendered.unwrap_or_else(response::too_many_pages)
    }

    /// Waits until a deleted track is forgotten and reports the result.
    async fn forget(&self, head: &Parts) -> Response<Pieces> {
        let path = self.below_prefix(head.uri.path()).unwrap_or_default();
        let track = forgotten_track(path).unwrap_or_default();
        let query = head.uri.query().unwrap_or_default();
        let parameters = form_urlencoded::parse(query.as_bytes());
        let parameters: Vec<(Cow<'_, str>, Cow<'_, str>)> = parameters.collect();
        let (Ok(track), [(key, account)]) = (track.parse(), &parameters[..]) else {
            return response::text(StatusCode::BAD_REQUEST, FORGET_USAGE);
        };
        if key != "account" {
            return response::text(StatusCode::BAD_REQUEST, FORGET_USAGE);
        }
        let Some(forget) = self.content.forget(account.to_string(), track) else {
            let message = "forgetting tracks is not enabled; --web.enable-lifecycle enables it";
            return response::text(StatusCode::FORBIDDEN, message);
        };
        match forget.await {
            Some(Ok(message)) => response::text(StatusCode::OK, message),
            Some(Err(why)) => response::text(StatusCode::NOT_FOUND, why),
            None => {
                let message = "the exporter is stopping";
                response::text(StatusCode::SERVICE_UNAVAILABLE, message)
            }
        }
    }

    /// Waits for a reload and reports its result.
    async fn reload(&self) -> Response<Pieces> {
        let Some(reload) = self.content.reload() else {
            let message = "reloading over HTTP is not enabled; --web.enable-lifecycle enables it";
            return response::text(StatusCode::FORBIDDEN, message);
        };
        match reload.await {
            Ok(()) => response::text(StatusCode::OK, "reloaded"),
            Err(why) => response::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("the previous configuration stays in use: {why}"),
            ),
        }
    }
}

/// Renders the page or the API response for a query.
fn render(
    handler: Handler,
    content: &dyn Content,
    query: &Query,
    telemetry_path: &str,
) -> Response<Pieces> {
    let (reports, changes) = (content.reports(), content.changes());
    let view = View {
        reports: &reports,
        changes: &changes,
        now: content.now(),
    };
    match handler {
        Handler::Targets => response::json(StatusCode::OK, &api::targets(view, query)),
        Handler::Tracks => response::json(StatusCode::OK, &api::tracks(view, query)),
        Handler::Changes => response::json(StatusCode::OK, &api::changes(view, query)),
        Handler::Deliveries => response::json(StatusCode::OK, &api::deliveries(view, query)),
        _ => {
            let stalled = content.healthy().err();
            let facts = Facts {
                view,
                info: &content.exporter_info(),
                stalled: stalled.as_deref(),
            };
            let page = Page {
                facts,
                query,
                telemetry_path,
            };
            response::page(page.to_string(), page::POLICY)
        }
    }
}

/// The form of a request to forget a track.
const FORGET_USAGE: &str = "write POST /api/v1/tracks/ID/forget?account=NAME with the id of the deleted track and its account";

/// Returns whether an HTTP/1.1 request has exactly one `Host` header (RFC 9112, section 3.2). The
/// exporter ignores the value, but a proxy in between may interpret several headers differently.
fn has_its_host(head: &Parts) -> bool {
    let hosts = head.headers.get_all(HOST).iter().count();
    match head.version {
        Version::HTTP_11 => hosts == 1,
        _ => hosts <= 1,
    }
}

/// Writes one reason per line.
fn lines(reasons: &[String]) -> String {
    let mut lines: Vec<_> = reasons
        .iter()
        .take(MAX_REASONS)
        .map(|reason| reason.replace(['\r', '\n'], " "))
        .collect();
    let more = reasons.len() - lines.len();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

/// The most reasons in a response. The first ones explain the state; there may be ten thousand.
const MAX_REASONS: usize = 100;
