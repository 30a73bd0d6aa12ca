//! Credential sources, and that no output contains a secret.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloudaudit_exporter::failure::Reason;
use cloudaudit_exporter::proxy::Proxy;
use cloudaudit_exporter::tencent::credentials::{EnvironmentProvider, FixedProvider, Provider};
use cloudaudit_exporter::tencent::{Client, ClientParts, HttpOptions};
use tokio::time::Instant;

use crate::support::recorded::{
    HOUR, TOKEN, assert_signed, attempts, cloud, count, credential, empty, header, list,
};
use crate::support::scripted::{SECRET_ID, SECRET_KEY, answer, api_error, options};

fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    variables.iter().map(own).collect()
}

fn from_environment(variables: &[(&str, &str)]) -> EnvironmentProvider {
    EnvironmentProvider::new(&environment(variables), "ID", "KEY", Some("TOKEN"))
}

#[tokio::test(start_paused = true)]
async fn environment_variables_supply_the_credentials() {
    let sent = |provider: EnvironmentProvider| async {
        let (parts, arrived) = cloud(|_| empty());
        let provider = Arc::new(provider);
        let client = Client::new(ClientParts { provider, ..parts }, options(50));
        assert!(client.credentials().is_none());
        list(&client, HOUR).await.0.unwrap();
        let (_, request) = arrived.lock().unwrap().remove(0);
        request
    };
    let both = [("ID", "AKIDenv"), ("KEY", "the-key")];
    let request = sent(from_environment(&both)).await;
    assert_signed(&request, "AKIDenv", "the-key");
    assert!(!request.headers().contains_key("x-tc-token"));

    let all = [
        ("ID", " AKIDenv\n"),
        ("KEY", "\tthe-key \n"),
        ("TOKEN", " tok\n"),
    ];
    let request = sent(from_environment(&all)).await;
    assert_signed(&request, "AKIDenv", "the-key");
    assert_eq!(header(&request, "x-tc-token"), "tok");

    let blank_token = [("ID", "AKIDenv"), ("KEY", "the-key"), ("TOKEN", " ")];
    let request = sent(from_environment(&blank_token)).await;
    assert!(!request.headers().contains_key("x-tc-token"));

    // A token variable that is not configured belongs to another program.
    let unnamed = EnvironmentProvider::new(&environment(&all), "ID", "KEY", None);
    let request = sent(unnamed).await;
    assert!(!request.headers().contains_key("x-tc-token"));
}

#[tokio::test(start_paused = true)]
async fn without_credentials_nothing_is_sent() {
    for (variables, missing) in [
        (&[][..], "ID"),
        (&[("KEY", "the-key")], "ID"),
        (&[("ID", ""), ("KEY", "the-key")], "ID"),
        (&[("ID", "AKIDenv")], "KEY"),
        (&[("ID", "AKIDenv"), ("KEY", " \n")], "KEY"),
        (&[("ID", "AKIDenv"), ("TOKEN", "tok")], "KEY"),
        (&[("id", "AKIDenv"), ("key", "the-key")], "ID"),
    ] {
        let (parts, arrived) = cloud(|_| empty());
        let pacer = Arc::clone(&parts.pacer);
        let provider = Arc::new(from_environment(variables));
        assert_eq!(provider.identity(), None);
        let client = Client::new(ClientParts { provider, ..parts }, attempts(3));
        assert!(client.credentials().is_some());
        let (listing, notes) = list(&client, HOUR).await;
        let failure = listing.unwrap_err();
        assert_eq!(
            (failure.reason, &*failure.code),
            (Reason::Credentials, "credentials")
        );
        let named = format!("environment variable {missing} is not set");
        assert!(failure.message.contains(&named), "{failure}");
        assert!(!failure.message.contains("the-key"), "{failure}");
        assert_eq!((count(&arrived), notes.counts()), (0, (0, 0, 0)));
        let now = Instant::now();
        pacer.acquire().await.consume();
        pacer.acquire().await.consume();
        assert!(
            now.elapsed() <= Duration::from_millis(12),
            "no slot was used"
        );
    }
}

#[test]
fn providers_name_their_source_and_identity() {
    let fixed = FixedProvider::new(credential("AKIDfixed", "the-key", None));
    assert_eq!(
        (fixed.name(), fixed.identity()),
        ("inline", Some("AKIDfixed".into()))
    );
    let env = from_environment(&[("ID", "AKIDenv"), ("KEY", "the-key")]);
    assert_eq!(
        (env.name(), env.identity()),
        ("env", Some("AKIDenv".into()))
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_prints_a_secret() {
    let (parts, arrived) = cloud(|_| answer(api_error("AuthFailure.SignatureFailure")));
    let variables = [("ID", SECRET_ID), ("KEY", SECRET_KEY), ("TOKEN", TOKEN)];
    let env = from_environment(&variables);
    let credential = || credential(SECRET_ID, SECRET_KEY, Some(TOKEN));
    let fixed = Arc::new(FixedProvider::new(credential()));
    let proxy = HttpOptions {
        ca_file: None,
        proxy: Some(Proxy::parse(&format!("http://user:{SECRET_KEY}@proxy.example:3128")).unwrap()),
    };
    let mut printed = vec![
        format!("{:?}", credential()),
        format!("{:#?}", credential()),
        format!("{env:?} {:?}", env.credential().await),
        format!("{fixed:?} {:?}", fixed.credential().await),
        format!("{proxy:?} {proxy:#?}"),
    ];
    let provider: Arc<dyn Provider> = fixed;
    let client = Client::new(ClientParts { provider, ..parts }, attempts(1));
    let (listing, notes) = list(&client, HOUR).await;
    let failure = listing.unwrap_err();
    printed.push(format!(
        "{failure} {failure:?} {:?}",
        notes.sent.lock().unwrap()
    ));
    let (_, request) = arrived.lock().unwrap().remove(0);
    printed.push(format!("{request:?} {:#?}", request.headers()));

    let authorization = header(&request, "authorization");
    let (_, signature) = authorization.rsplit_once('=').unwrap();
    for text in &printed {
        for secret in [SECRET_KEY, TOKEN, signature] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(
        printed[4].contains("proxy"),
        "the presence of a proxy may be printed"
    );
}
