//! The URL of the status page, as a series for the texts of alerts.

use crate::support::exporter::Exporter;

const URL: &str = "CLOUDAUDIT_EXPORTER_WEB_EXTERNAL_URL";
const PREFIX: &str = "CLOUDAUDIT_EXPORTER_WEB_ROUTE_PREFIX";

async fn pages(environment: &[(&str, &str)]) -> Vec<String> {
    let exporter = Exporter::start(None, environment);
    let samples = exporter.metrics().await.0.into_iter();
    let is_page = |(series, _): &(String, f64)| series.contains("_page_info");
    samples
        .filter(is_page)
        .map(|(series, value)| format!("{series} {value}"))
        .collect()
}

#[tokio::test]
async fn the_page_is_at_the_external_url_and_unknown_without_it() {
    assert_eq!(pages(&[]).await, Vec::<String>::new());
    assert_eq!(pages(&[(URL, "")]).await, Vec::<String>::new());
    for (url, page) in [
        ("http://localhost:10629", "http://localhost:10629/"),
        ("https://example.com/audit", "https://example.com/audit/"),
        // The series omits credentials in the URL.
        ("https://me:HUSH@[::1]:8443/a/?b#c", "https://[::1]:8443/a/"),
    ] {
        let series = format!("cloudaudit_exporter_page_info{{url=\"{page}\"}} 1");
        assert_eq!(pages(&[(URL, url), (PREFIX, "/")]).await, [series]);
    }
}

#[tokio::test]
async fn an_empty_prefix_variable_keeps_the_path_of_the_external_url() {
    for (prefix, path) in [
        ("", "/audit/-/healthy"),
        ("/", "/-/healthy"),
        ("/e", "/e/-/healthy"),
    ] {
        let environment = [(URL, "https://example.com/audit/"), (PREFIX, prefix)];
        let exporter = Exporter::start(None, &environment);
        assert_eq!(exporter.get(path).await.0, 200, "{prefix:?}");
    }
}
