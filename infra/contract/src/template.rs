//! `template.yaml`: its functions, their routes, their rights.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::yaml;

/// A function's resource.
#[derive(Debug)]
pub(crate) struct Function {
    /// The package.
    pub(crate) package: String,
    /// The resource's name.
    pub(crate) resource: String,
    properties: Value,
}

/// A route: method, path, scopes. No scopes: anybody may call it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) scopes: Vec<String>,
}

/// One thing that a function may do: an action, and the resource with what stands behind it.
pub(crate) type Right = (String, String);

/// The functions of the template, by their packages.
pub(crate) fn functions() -> BTreeMap<String, Function> {
    let template = yaml::read("template.yaml");
    let resources = template["Resources"].as_object().unwrap();
    let functions = resources
        .iter()
        .filter(|(_, it)| it["Type"] == "AWS::Serverless::Function")
        .map(|(name, it)| {
            let properties = it["Properties"].clone();
            let folder = properties["CodeUri"].as_str().unwrap();
            let package = folder.strip_prefix("target/lambda/").unwrap().to_owned();
            (package.clone(), Function { package, resource: name.clone(), properties })
        });
    functions.collect()
}

impl Function {
    /// Its routes.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let events = self.properties["Events"].as_object().into_iter().flatten();
        let routes = events.filter(|(_, event)| event["Type"] == "HttpApi").map(|(_, event)| {
            let route = &event["Properties"];
            let scopes = route["Auth"]["AuthorizationScopes"].as_array();
            // A route for anybody has to say so.
            assert!(scopes.is_some() || route["Auth"]["Authorizer"] == "NONE", "{}", self.package);
            Route {
                method: route["Method"].as_str().unwrap().to_owned(),
                path: route["Path"].as_str().unwrap().to_owned(),
                scopes: scopes.into_iter().flatten().map(text).collect(),
            }
        });
        routes.collect()
    }

    /// The names in its environment.
    pub(crate) fn settings(&self) -> BTreeSet<String> {
        self.properties["Environment"]["Variables"].as_object().unwrap().keys().cloned().collect()
    }

    /// What a setting refers to: the name of a resource or parameter.
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        let value = &self.properties["Environment"]["Variables"][name];
        let referred = value.get("Ref").or_else(|| value.pointer("/Fn::GetAtt/0"));
        referred.map(text)
    }

    /// Everything that it may do.
    pub(crate) fn rights(&self) -> BTreeSet<Right> {
        let statements = self.properties["Policies"]["Statement"].as_array().unwrap();
        let mut rights = BTreeSet::new();
        for statement in statements {
            assert_eq!(statement["Effect"], "Allow", "{}", self.package);
            for action in one_or_more(&statement["Action"]) {
                for resource in one_or_more(&statement["Resource"]) {
                    rights.insert((text(action), arn(resource)));
                }
            }
        }
        rights
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn one_or_more(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |list| list.iter().collect())
}

/// `Services`, `Services/index/due`: a resource's name and what stands behind its ARN.
fn arn(value: &Value) -> String {
    if let Some(name) = value.pointer("/Fn::GetAtt/0") {
        return text(name);
    }
    let pattern = value["Fn::Sub"].as_str().unwrap_or_else(|| panic!("a right on {value}"));
    let (name, rest) = pattern.strip_prefix("${").unwrap().split_once(".Arn}").unwrap();
    format!("{name}{rest}")
}
