//! One function is one folder, one resource, and at most one route, which the contract tells of.

use std::collections::BTreeSet;

use crate::openapi::Contract;
use crate::{repository, template};

#[test]
fn every_function_is_a_folder_and_a_resource_of_the_same_name() {
    let folders: BTreeSet<_> = repository::functions().into_iter().collect();
    let functions = template::functions();
    assert_eq!(functions.keys().cloned().collect::<BTreeSet<_>>(), folders);
    for function in functions.values() {
        let words = function.package.split('-').map(|word| {
            let (first, rest) = word.split_at(1);
            format!("{}{rest}", first.to_uppercase())
        });
        assert_eq!(function.resource, words.collect::<String>());
    }
}

#[test]
fn a_package_has_the_name_of_its_folder() {
    for folder in repository::functions() {
        let manifest = repository::read(format!("functions/{folder}/Cargo.toml"));
        let manifest: toml::Table = manifest.parse().unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some(folder.as_str()));
    }
}

#[test]
fn the_contract_tells_of_every_route_and_of_no_other() {
    let mut deployed = BTreeSet::new();
    for function in template::functions().into_values() {
        let routes = function.routes();
        assert!(routes.len() <= 1, "{} has several routes", function.package);
        deployed.extend(routes.into_iter().map(|route| (function.package.clone(), route)));
    }
    let told = Contract::read().operations().into_values().map(|operation| {
        let (method, path) = (operation.method.to_owned(), operation.path.clone());
        let scopes = operation.scopes();
        (operation.id, template::Route { method, path, scopes })
    });
    assert_eq!(told.collect::<BTreeSet<_>>(), deployed);
}

#[test]
fn whoever_needs_no_token_shows_a_secret() {
    for operation in Contract::read().operations().into_values() {
        if operation.scopes().is_empty() {
            let header = operation.body["security"][0].get("telegram").is_some();
            // A chart sends no header: its secret is the address.
            let address = operation.path.ends_with("/{token}");
            assert!(header || address, "{}", operation.id);
        }
    }
}

#[test]
fn a_path_names_its_parameters() {
    for operation in Contract::read().operations().into_values() {
        for name in ["id", "pass_id", "import_id", "token"] {
            let named = operation.path.contains(&format!("{{{name}}}"));
            assert_eq!(operation.parameter(name).is_some(), named, "{} {name}", operation.id);
        }
    }
}
