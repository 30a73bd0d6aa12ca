//! # cloudaudit-exporter
//!
//! A Prometheus exporter for Tencent Cloud CloudAudit. CloudAudit delivers the operation log of an
//! account through *tracks*; if a track is disabled or deleted, the log stops without any alarm.
//! The exporter polls the tracks of every configured account and region on a schedule, compares
//! each listing with the previous one, and serves the result on `/metrics`. A scrape never waits for
//! the cloud: it reads what the latest polls have rendered.
//!
//! This page is the map of the crate: the flow of the data, the words, and the modules in the order
//! in which to read them.
//!
//! ## The flow of the data
//!
//! ```text
//! command line, environment, file
//!        │  cli, config
//!        ▼
//!     Config ──▶ app ──▶ fleet: the accounts of this shard; rate limiters and transports
//!        organization ──▶  │    that accounts share; members of organizations
//!                          │
//!                          │  one task per account
//!                          ▼
//!                        poll: every region of the account, once per interval
//!                          │
//!                          │  tencent: for each page wait for the rate limiter, get the
//!                          │  credential, sign, send, parse, retry
//!                          ▼
//!                 a listing or a failure for each region
//!                          │
//!                          │  history: compare with what was known
//!                          ▼
//!                       report ───▶ state: the state file
//!                          │
//!                          │  exposition: text
//!                          ▼
//!                      publisher ──▶ http: /metrics, the page, the API, /-/ready
//! ```
//!
//! Accounts are independent. Each has its own credential, schedule, history and rendered text, so a
//! slow or failing account delays no other.
//!
//! ## One poll, from tick to bytes
//!
//! 1. `poll::Account::run`: the account's interval ticks.
//! 2. `Poller::poll`: polls a region within its time limits, and counts the requests.
//! 3. `Client::list_again`: reads the pages, and returns a `Listing` or a failure.
//! 4. `InFlightPolls::next`: hands the outcome to the account's task.
//! 5. `AccountState::poll_ended`: changes the state and logs the changes.
//! 6. `TargetHistory::listed` and `accrue`: compare the listing with the last one (`diff`), and
//!    count its time as evidence.
//! 7. `AccountState::report`: builds the `Report`, with the figures of `OverviewCache`.
//! 8. `PublishHandle::publish`: passes on the `Arc<Report>` and appends the changes to the
//!    `ChangeFeed`, unless the account was stopped.
//! 9. The account's closure in `app::ExporterState`: limits the evidence to the persisted part.
//! 10. `publisher::Account::publish`: renders fragments with `Renderer::render`.
//! 11. `Bucket::publish`: replaces the account's fragments, and marks the metrics that changed.
//! 12. `ExporterState::exposition` and `Publisher::exposition`: begin a scrape.
//! 13. `Bucket::version` and `Bucket::chunks`: join the marked metrics to a `Chunk` each.
//! 14. `MetricFamily`: joins the chunks of all buckets in a `PieceBuffer`, plain or deflated.
//! 15. `gzip::member`: makes one gzip member, whose pieces `http` sends.
//!
//! ## The words
//!
//! The code, the documentation and the messages use the same word for the same thing:
//!
//! * An **account** is one configured Tencent Cloud account. A **target** is an account in an API
//!   region.
//! * A **track** is a tracking set (跟踪集) of CloudAudit.
//! * A **poll** is one complete attempt to list the tracks of a target. It reads **pages**; each
//!   page is a **request** to the API and its **response**. A **walk** reads all pages once;
//!   `tencent::paging` repeats a walk that does not add up.
//! * A **listing** is the complete result of a poll. Otherwise the poll ends with a **failure**,
//!   which has one of eight **reasons**.
//! * The **history** of a target is what was known before, and the changes since. A **tombstone** is
//!   a deleted track that is still shown.
//! * A **report** is everything that is known of one account, published as a whole. A **snapshot**
//!   type is a plain value without behavior.
//! * A **credential** is a key, perhaps temporary. A **provider** supplies it and **refreshes** it.
//! * The **rate limiter** paces requests: each request waits for a **permit**. The **AIMD limit** is
//!   the part of the configured rate that may be used: a throttled request halves it, and it then
//!   grows back. Apart from that, a fixed number of permits caps the requests in flight.
//! * A **transport** is an HTTP client to one endpoint.
//! * The **exposition** is the text that Prometheus scrapes: **metric families** of **series**, each
//!   with a **sample**.
//! * A **shard** is one of several processes that divide the accounts.
//! * A **heartbeat** shows that a loop still runs. A loop without one has stalled, which
//!   `/-/healthy` and the watchdog of systemd report.
//! * The **simulator** is the simulated Tencent Cloud of the demo and the tests.
//!
//! ## The modules
//!
//! The layers are in reading order. A module may use only what the table in `tests/unit/layers.rs`
//! allows.
//!
//! Plain values and small helpers:
//!
//! * [`snapshot`]: tracks, listings and reports as plain values
//! * [`failure`]: the reasons of a failed request or poll
//! * [`duration`]: durations as text
//! * [`clock`]: the wall clock and the steady clock, read in one place
//! * [`hash`]: the stable hash for schedules and shards
//! * [`shard`]: which accounts this process polls
//!
//! The API client:
//!
//! * [`tencent`]: requests, signatures, credentials, rate limiting, retries, paging. `reasons` maps the
//!   code of an error to its reason, and `api_client` decides by the reason whether to retry
//! * [`proxy`]: the proxy for requests to the cloud
//!
//! From polls to reports:
//!
//! * [`poll`]: the loop of one account
//! * [`history`]: compares listings; changes, tombstones, coverage, evidence
//! * [`attribution`]: finds the operation behind a change in the operation records
//! * [`changes`]: the change feed, with the latest changes of all accounts
//! * [`delivery`]: whether operation records arrive where tracks deliver to
//! * [`state`]: the state file, which keeps the history over a restart. The serde attributes of a
//!   `snapshot` type are its format there
//!
//! From reports to responses:
//!
//! * [`exposition`]: the metrics of accounts as text
//! * [`publisher`]: the latest text of every account, joined and compressed
//! * [`process`]: the metrics of the exporter itself
//! * [`http`]: the listener, the page, the API. `app::ExporterState` implements `http::Content`, which
//!   is what every path shows, including readiness
//! * [`web_config`]: the file of `--web.config.file`, with TLS and basic authentication
//!
//! The configuration, and all accounts:
//!
//! * [`config`]: the configuration file and its environment overrides. `config::keys` states every key
//!   once; `config::resolve` turns the keys into values
//! * [`organization`]: discovers the member accounts of an organization
//! * [`fleet`]: starts, replaces and stops the tasks of accounts on a reload. `PreparedAccount::matches`
//!   decides which accounts are unchanged, and `providers` creates their credential providers
//! * [`probe`]: sends each request once, for `check --online`; `commands::check::remedy` words what to do
//!
//! The operating system:
//!
//! * [`files`]: reads files with a size limit and a timeout
//! * [`replace`]: replaces files atomically
//! * [`pem`]: certificates in PEM files
//! * [`resources`]: limits of memory and open files
//! * [`signals`]: the signals that stop or reload the process
//! * [`stdio`]: writes to standard output and standard error
//! * [`systemd`]: notifies the service manager, and stops its watchdog if a loop stalled
//! * [`heartbeat`]: finds stalled loops; `poll::Schedule` says when a loop is late
//!
//! The program:
//!
//! * [`cli`]: the command line
//! * [`commands`]: `check`, `once`, `health`, the daemon, and exit codes
//! * [`app`]: connects the modules to the daemon and to a single round
//! * [`logging`]: the log on standard error
//! * [`demo`]: the daemon against the simulator, with a schedule of events
//! * [`sim`]: the simulator, with one module for each product that it answers for

// Plain values and small helpers.
pub mod clock;
pub mod duration;
pub mod failure;
pub mod files;
pub mod hash;
pub mod shard;
pub mod snapshot;

// Helpers of the client and of the listener.
pub mod pem;
pub mod proxy;

// The API client.
pub mod tencent;

// Comparing listings, and keeping the history.
pub mod attribution;
pub mod changes;
pub mod delivery;
pub mod history;
pub mod state;

// From reports to responses.
pub mod exposition;
pub mod http;
pub mod publisher;
pub mod web_config;

// The process and the operating system.
pub mod heartbeat;
pub mod process;
pub mod replace;
pub mod resources;
pub mod signals;
pub mod stdio;
pub mod systemd;

// The configuration.
pub mod config;

// One account, organizations, and all accounts.
pub mod fleet;
pub mod organization;
pub mod poll;
pub mod probe;

// The simulator and the demo.
pub mod demo;
pub mod sim;

// The program.
pub mod app;
pub mod cli;
pub mod commands;
pub mod logging;
