//! The running stack.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::Trouble;

/// Who calls the API.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A trader, by the name in the token.
    Trader(String),
    /// The storefront's back end.
    Storefront,
    /// Nobody: no token at all.
    Nobody,
    /// Whoever bears this token.
    Bearer(String),
}

impl Caller {
    /// A trader whom no other test knows.
    pub fn new_trader() -> Self {
        Self::Trader(format!("trader-{}", fresh()))
    }
}

/// A text that nobody has used before.
#[expect(clippy::disallowed_methods, reason = "stories bring their own randomness")]
fn fresh() -> String {
    Uuid::new_v4().simple().to_string()
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// The body; `null` when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// A text in the body, by its JSON pointer; empty when it is not there.
    pub fn text(&self, pointer: &str) -> String {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The body, if the status is this one.
    ///
    /// # Errors
    /// Tells what was answered instead.
    pub fn expect_status(self, status: u16) -> Result<Self, Trouble> {
        if self.status == status {
            Ok(self)
        } else {
            Err(format!("expected {status}, got {}: {}", self.status, self.body).into())
        }
    }
}

/// The running stack, as `make up` describes it.
#[derive(Debug)]
pub struct Stack {
    root: PathBuf,
    /// What `make` is told about the stack, beside what it finds in the environment.
    environment: Vec<(String, String)>,
    /// Where its description is, and what it writes beside it.
    state: PathBuf,
    description: Value,
    /// Which of its addresses the API is called at.
    api: &'static str,
    http: reqwest::Client,
    tokens: Mutex<HashMap<(String, String), String>>,
}

impl Stack {
    /// Reads the description of the running stack: the file that `STACK_JSON` names, or
    /// `.local/stack.json`.
    ///
    /// # Errors
    /// Tells how to start one when none is up.
    #[expect(clippy::disallowed_methods, reason = "stories are told to a stack by its address")]
    pub fn open() -> Result<Self, Trouble> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize()?;
        let path = std::env::var_os("STACK_JSON")
            .map_or_else(|| root.join(".local/stack.json"), |path| root.join(path));
        Self::described_by(root, &path, Vec::new())
    }

    /// The stack at this port base, which `make up` was told by PORT_BASE.
    ///
    /// # Errors
    /// Tells how to start one when none is up.
    pub fn at_port(port_base: u16) -> Result<Self, Trouble> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize()?;
        let path = root.join(format!(".local/{port_base}/stack.json"));
        let environment = vec![
            ("PORT_BASE".to_owned(), port_base.to_string()),
            ("STACK_JSON".to_owned(), path.display().to_string()),
        ];
        Self::described_by(root, &path, environment)
    }

    /// The same stack, called through its fault proxy.
    ///
    /// # Errors
    /// It has none.
    pub fn through_faults(&self) -> Result<Self, Trouble> {
        const API: &str = "faulty_api_url";
        if self.address(API).is_empty() {
            return Err("the stack has no fault proxy. Start one with: make soak-real".into());
        }
        Ok(Self {
            root: self.root.clone(),
            environment: self.environment.clone(),
            state: self.state.clone(),
            description: self.description.clone(),
            api: API,
            http: self.http.clone(),
            tokens: Mutex::new(HashMap::new()),
        })
    }

    fn described_by(
        root: PathBuf,
        path: &Path,
        environment: Vec<(String, String)>,
    ) -> Result<Self, Trouble> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            format!("no stack is up ({}: {error}). Start one with: make up", path.display())
        })?;
        // Fails only when it was done before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            root,
            environment,
            state: path.parent().unwrap_or(path).to_owned(),
            description: serde_json::from_str(&text)?,
            api: "api_url",
            http: reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build()?,
            tokens: Mutex::new(HashMap::new()),
        })
    }

    /// An address of the description, such as `api_url`; empty when it is not there.
    pub fn address(&self, name: &str) -> &str {
        self.description.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// What the emulator and the functions have written so far.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn log(&self) -> Result<String, Trouble> {
        let path = self.state.join("emulator.log");
        Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
    }

    /// The client for HTTP.
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A token of the stack's issuer. `seconds` below zero makes one that has expired.
    ///
    /// # Errors
    /// What `make token` said.
    pub async fn token(&self, scope: &str, subject: &str, seconds: i64) -> Result<String, Trouble> {
        let arguments =
            [format!("SCOPE={scope}"), format!("SUB={subject}"), format!("TTL={seconds}")];
        self.make("token", &arguments).await
    }

    async fn make(&self, target: &str, arguments: &[String]) -> Result<String, Trouble> {
        let output = Command::new("make")
            .args(["--silent", target])
            .args(arguments)
            .envs(self.environment.iter().cloned())
            .current_dir(&self.root)
            .output()
            .await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("make {target} failed: {said}").into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Runs the sweep once, now, and gives its answer.
    ///
    /// # Errors
    /// What `make sweep` said.
    pub async fn sweep(&self) -> Result<Value, Trouble> {
        Ok(serde_json::from_str(&self.make("sweep", &[]).await?)?)
    }

    /// Begins the daily check of all members, now, and gives the function's answer.
    ///
    /// # Errors
    /// What `make daily-check` said.
    pub async fn daily_check(&self) -> Result<Value, Trouble> {
        Ok(serde_json::from_str(&self.make("daily-check", &[]).await?)?)
    }

    /// Which alarms on figures of Usher's own ring, by name.
    ///
    /// # Errors
    /// What `make alarms` said.
    pub async fn alarms(&self) -> Result<Value, Trouble> {
        Ok(serde_json::from_str(&self.make("alarms", &[]).await?)?)
    }

    /// Everything in the tables and the queues.
    ///
    /// # Errors
    /// What `make look` said.
    pub async fn look(&self) -> Result<Value, Trouble> {
        Ok(serde_json::from_str(&self.make("look", &[]).await?)?)
    }

    /// The link by which an operator adds spare groups.
    ///
    /// # Errors
    /// What `make pool-link` said.
    pub async fn pool_link(&self) -> Result<String, Trouble> {
        let answer: Value = serde_json::from_str(&self.make("pool-link", &[]).await?)?;
        Ok(answer.get("setup_link").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    async fn bearer(&self, caller: &Caller) -> Result<Option<String>, Trouble> {
        let (scope, subject) = match caller {
            Caller::Trader(name) => ("usher/trader", name.as_str()),
            Caller::Storefront => ("usher/storefront", "storefront"),
            Caller::Nobody => return Ok(None),
            Caller::Bearer(token) => return Ok(Some(token.clone())),
        };
        let key = (scope.to_owned(), subject.to_owned());
        let mut tokens = self.tokens.lock().await;
        if let Some(token) = tokens.get(&key) {
            return Ok(Some(token.clone()));
        }
        let token = self.token(scope, subject, 3_600).await?;
        tokens.insert(key, token.clone());
        Ok(Some(token))
    }

    /// Calls the API.
    ///
    /// # Errors
    /// When there was no answer. A problem is an answer.
    pub async fn call(
        &self,
        caller: &Caller,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Trouble> {
        let body = body.map(|body| (body.to_string(), "application/json"));
        self.send(caller, method, path, body, headers).await
    }

    /// Calls the API with any body.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn send(
        &self,
        caller: &Caller,
        method: Method,
        path: &str,
        body: Option<(String, &str)>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Trouble> {
        let url = format!("{}{path}", self.address(self.api));
        let mut request = self.http.request(method, url);
        if let Some(token) = self.bearer(caller).await? {
            request = request.bearer_auth(token);
        }
        if let Some((body, media)) = body {
            request = request.header("content-type", media).body(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
            })
            .collect();
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        Ok(Answer { status, headers, body })
    }

    /// `GET`.
    ///
    /// # Errors
    /// As [`Stack::call`].
    pub async fn get(&self, caller: &Caller, path: &str) -> Result<Answer, Trouble> {
        self.call(caller, Method::GET, path, None, &[]).await
    }

    /// `POST`.
    ///
    /// # Errors
    /// As [`Stack::call`].
    pub async fn post(&self, caller: &Caller, path: &str, body: &Value) -> Result<Answer, Trouble> {
        self.call(caller, Method::POST, path, Some(body), &[]).await
    }
}
