//! A dashboard in another language is the same dashboard with other titles and descriptions.

use std::collections::BTreeSet;

use serde_json::Value;

use super::board::{FILES, list, path, read, text};
use crate::rules::promtool::run;

/// The board itself, its panels, and those that a folded row holds.
fn titled(place: &Value) -> Vec<&Value> {
    let panels = list(&place["panels"]).flat_map(titled);
    std::iter::once(place).chain(panels).collect()
}

fn texts() -> Value {
    let texts = std::fs::read_to_string(path("../languages/zh.json")).expect("the texts are there");
    serde_json::from_str(&texts).expect("the texts are JSON")
}

fn chinese(file: &str) -> Value {
    let file = path(file).to_string_lossy().into_owned();
    let printed =
        run(&path("../edition"), [&*file, "--language", "zh"]).expect("every title has a text");
    serde_json::from_str(&printed).expect("the board is JSON")
}

#[test]
fn every_title_has_a_text_and_every_text_a_title() {
    let boards = FILES.map(read);
    let titles: BTreeSet<&str> = boards
        .iter()
        .flat_map(titled)
        .map(|item| text(&item["title"]))
        .collect();
    let texts = texts();
    let texts: BTreeSet<&str> = texts
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(texts, titles);
}

/// Names of metrics, keys and pages, such as `poll.max_tracks`, are the same in every language.
#[test]
fn every_description_has_the_names_of_the_english_one() {
    let texts = texts();
    let boards = FILES.map(read);
    let items: Vec<&Value> = boards.iter().flat_map(titled).collect();
    assert!(items.len() > 60, "{}", items.len());
    for item in items {
        let title = text(&item["title"]);
        let description = |item: &Value| item["description"].as_str().map(names);
        assert_eq!(description(&texts[title]), description(item), "{title}");
    }
}

#[test]
fn a_name_is_found_in_both_languages() {
    let expected =
        BTreeSet::from(["attribution.sweep_interval", "expected_tracks"].map(str::to_owned));
    assert_eq!(
        names("As attribution.sweep_interval says, expected_tracks."),
        expected
    );
    assert_eq!(
        names("没有 attribution.sweep_interval，expected_tracks。"),
        expected
    );
}

/// Returns the words that contain an underscore.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
    let words = text
        .split(|c| !is_part(c))
        .map(|word| word.trim_matches('.'));
    words
        .filter(|word| word.contains('_'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn only_titles_and_descriptions_differ() {
    for file in FILES {
        let english = read(file);
        let mut chinese = chinese(file);
        assert_ne!(chinese["title"], english["title"]);
        restore(&mut chinese, &english);
        assert_eq!(chinese, english, "{file}");
    }
}

/// Gives the items of one board the titles and descriptions of the other.
fn restore(place: &mut Value, original: &Value) {
    for key in ["title", "description"] {
        if let Some(value) = place.get_mut(key) {
            *value = original[key].clone();
        }
    }
    if let Some(panels) = place.get_mut("panels").and_then(Value::as_array_mut) {
        for (panel, original) in panels.iter_mut().zip(list(&original["panels"])) {
            restore(panel, original);
        }
    }
}
