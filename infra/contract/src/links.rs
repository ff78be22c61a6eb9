//! The links in the documents lead somewhere.

use std::collections::BTreeSet;
use std::path::Path;

use crate::repository;

#[test]
fn every_link_between_documents_leads_somewhere() {
    for (path, text) in documents() {
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = path.parent().unwrap_or(Path::new(""));
            let target = if file.is_empty() { path.clone() } else { folder.join(file) };
            let there = repository::root().join(&target);
            assert!(there.exists(), "{}: {link} leads nowhere", path.display());
            if !anchor.is_empty() {
                let found = headings(&repository::read(&target)).contains(anchor);
                assert!(found, "{}: no heading {link}", path.display());
            }
        }
    }
}

#[test]
fn links_and_headings_are_found() {
    let text = "# One `two`: three\n[a](b.md#c) and\n```\n[x](y)\n# no heading\n```\n[d]( e.md )";
    assert_eq!(links(text), ["b.md#c", "e.md"]);
    assert_eq!(headings(text), BTreeSet::from(["one-two-three".to_owned()]));
}

fn documents() -> Vec<(std::path::PathBuf, String)> {
    let is_document = |path: &Path| path.extension().is_some_and(|it| it == "md");
    repository::texts().into_iter().filter(|(path, _)| is_document(path)).collect()
}

/// The lines that are not inside of a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

fn links(text: &str) -> Vec<String> {
    let found = prose(text).flat_map(|line| {
        line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
    });
    found.map(|link| link.trim().to_owned()).collect()
}

/// The anchors of the headings, as they are made from their texts.
fn headings(text: &str) -> BTreeSet<String> {
    let found = prose(text).filter(|line| line.starts_with('#')).map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    });
    found.collect()
}
