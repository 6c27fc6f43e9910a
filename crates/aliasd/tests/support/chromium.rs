//! A real browser: headless Chromium, driven by ChromeDriver.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::MetadataExt,
    process::{Child, Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    elements::Element,
    wd::{Capabilities, WebDriverCompatibleCommand},
};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Far longer than a page takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a driver is started, at most, before there is none.
const STARTS: usize = 5;

/// A driver, and its port. It takes a port that is free for IPv6 and then wants the same for IPv4, which
/// another program may have: then it ends, and another is started.
fn driver() -> (Child, String) {
    const STARTED: &str = "started successfully on port";
    for _ in 0..STARTS {
        let spawned = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = match spawned {
            Ok(driver) => driver,
            Err(error) => panic!("chromedriver does not run ({error}); .ci/test installs it"),
        };
        let mut out = BufReader::new(driver.stdout.take().expect("its output"));
        let mut line = String::new();
        while out.read_line(&mut line).is_ok_and(|it| it > 0) && !line.contains(STARTED) {
            line.clear();
        }
        if line.contains(STARTED) {
            // Whatever else it says is read, or it would block on a full pipe.
            std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
            let port = line.chars().filter(char::is_ascii_digit).collect();
            return (driver, port);
        }
        driver.wait().expect("it has ended");
    }
    panic!("chromedriver found no free port in {STARTS} starts");
}

/// A browser window; its driver ends when dropped.
pub(crate) struct Chromium {
    pub(crate) window: Client,
    driver: Child,
    _profile: TempDir,
}

impl Chromium {
    /// Opens a window, with JavaScript or without.
    pub(crate) async fn open(javascript: bool) -> Self {
        Self::open_with(javascript, &[]).await
    }

    /// The same, with more arguments for Chromium.
    pub(crate) async fn open_with(javascript: bool, arguments: &[String]) -> Self {
        let (driver, port) = driver();
        let profile = TempDir::new().expect("a folder");
        let window = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile, javascript, arguments))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
        let chromium = Self {
            window,
            driver,
            _profile: profile,
        };
        chromium
            .goto("data:text/html,<noscript><p>off</p></noscript>")
            .await;
        assert_eq!(
            chromium.has("p").await,
            !javascript,
            "JavaScript is as asked for"
        );
        chromium
    }

    pub(crate) async fn goto(&self, address: &str) {
        self.window.goto(address).await.expect("a page");
    }

    /// Presses what a selector finds, and waits for the page that this leads to.
    pub(crate) async fn press(&self, selector: &str) {
        let before = self.found("html").await.element_id();
        self.tick(selector).await;
        // The driver tells of no new page, so it is asked until it has one; between two pages it has
        // none.
        let began = Instant::now();
        loop {
            let now = self.window.find(Locator::Css("html")).await;
            if now.is_ok_and(|it| it.element_id() != before) {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "pressing {selector} led nowhere"
            );
        }
    }

    /// Ticks a box.
    pub(crate) async fn tick(&self, selector: &str) {
        let target = self.found(selector).await;
        target.click().await.expect("it can be pressed");
    }

    async fn found(&self, selector: &str) -> Element {
        let began = Instant::now();
        loop {
            match self.window.wait().for_element(Locator::Css(selector)).await {
                Ok(element) => return element,
                // The page was about to leave.
                Err(_) if began.elapsed() < PATIENCE => {}
                Err(error) => {
                    let address = self.address().await;
                    let page = self.window.source().await.unwrap_or_default();
                    panic!("no {selector} at {address} ({error}): {page}")
                }
            }
        }
    }

    /// The text of what a selector finds, once it is there.
    pub(crate) async fn shown(&self, selector: &str) -> String {
        self.found(selector).await.text().await.expect("its text")
    }

    /// What stands in a field.
    pub(crate) async fn value(&self, selector: &str) -> String {
        let value = self.found(selector).await.prop("value").await;
        value.expect("a field").unwrap_or_default()
    }

    pub(crate) async fn has(&self, selector: &str) -> bool {
        self.window.find(Locator::Css(selector)).await.is_ok()
    }

    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let field = self.found(selector).await;
        field.clear().await.expect("a field");
        field.send_keys(text).await.expect("a field");
    }

    pub(crate) async fn is_ticked(&self, selector: &str) -> bool {
        self.found(selector)
            .await
            .is_selected()
            .await
            .expect("a box")
    }

    pub(crate) async fn address(&self) -> String {
        self.window
            .current_url()
            .await
            .expect("an address")
            .to_string()
    }

    /// What Chromium has logged since it was asked last: of kind `browser`, what it says of the page, or
    /// `performance`, what it asked for.
    pub(crate) async fn logged(&self, kind: &'static str) -> Vec<Value> {
        let entries = self.window.issue_cmd(Log(kind)).await.expect("a log");
        let entries = entries.as_array().cloned().unwrap_or_default();
        let message = |entry: &Value| {
            let message = entry["message"].as_str().unwrap_or_default();
            // That of `performance` is JSON in a text.
            serde_json::from_str(message).unwrap_or_else(|_| json!(message))
        };
        entries.iter().map(message).collect()
    }

    pub(crate) async fn close(self) {
        let _ = self.window.clone().close().await;
    }
}

/// ChromeDriver's command that reads a log.
#[derive(Debug)]
struct Log(&'static str);

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"type": self.0}).to_string()))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn capabilities(profile: &TempDir, javascript: bool, more: &[String]) -> Capabilities {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-quic".to_owned(),
        "--window-size=1000,1400".to_owned(),
        format!("--user-data-dir={}", profile.path().display()),
    ];
    arguments.extend_from_slice(more);
    // Chromium's sandbox refuses root.
    if std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0) {
        arguments.push("--no-sandbox".to_owned());
    }
    let mut options = json!({ "args": arguments });
    if !javascript {
        options["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
    }
    let mut capabilities = Capabilities::new();
    capabilities.insert("goog:chromeOptions".to_owned(), options);
    let logs = json!({"browser": "ALL", "performance": "ALL"});
    capabilities.insert("goog:loggingPrefs".to_owned(), logs);
    capabilities
}
