//! The goals, and what was measured beside them.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::{
    limits::Scheme,
    peer::Way,
    results::Results,
    run::{MANY, algorithms, ready, under_load},
    scene::{signatures, system_signatures},
    service::Kind,
    statements::Statement,
    visit::Path,
};

/// What a ratio should be.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn is_met(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(goal) => measured >= goal,
            Self::AtMost(goal) => measured <= goal,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(goal) => write!(f, "≥ {goal}"),
            Self::AtMost(goal) => write!(f, "≤ {goal}"),
        }
    }
}

/// A row: what is compared, what it should be, and what it was.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) goal: Goal,
    /// `None` if it was not measured in this run.
    pub(crate) measured: Option<f64>,
}

impl Row {
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.measured.map(|it| self.goal.is_met(it))
    }
}

/// The hot paths.
const HOT: [Path; 6] = [
    Path::Authorize,
    Path::Exchange,
    Path::Refresh,
    Path::UserInfo,
    Path::Introspection,
    Path::Revocation,
];

/// Every row, in the order in which it is printed.
pub(crate) fn rows(results: &Results) -> Vec<Row> {
    use Goal::{AtLeast, AtMost};
    let mut rows = Vec::new();
    let mut row = |what: String, goal, measured| {
        rows.push(Row {
            what,
            goal,
            measured,
        })
    };
    let postgres = Kind::Postgres.name();
    for other in [Statement::Refresh, Statement::TwoInserts] {
        for connections in [8, 32] {
            let refresh = (Path::Refresh.name(), connections);
            let ratio = results.ratio(postgres, refresh, (other.name(), connections));
            let what = format!(
                "{postgres}: refresh against the {}, {connections} connections",
                other.name()
            );
            row(what, AtLeast(0.75), ratio);
        }
    }
    for kind in [Kind::Postgres, Kind::Sqlite] {
        let (store, scene) = (kind.name(), algorithms(kind));
        let rsa = Scheme::Rsa(3072);
        for (scheme, goal) in [(rsa, 1.25), (Scheme::Rsa(2048), 1.6)] {
            let exchange = format!("exchange {}", scheme.name());
            let exchange = results.series(&scene, &exchange, MANY);
            let bare = results.series(&scene, &signatures(scheme, 1), MANY);
            let ratio = exchange.zip(bare).map(|(exchange, bare)| {
                exchange.median(|it| it.service) / bare.median(|it| it.service)
            });
            let what = format!(
                "{store}: CPU of an exchange against a bare signature, {}",
                scheme.name()
            );
            row(what, AtMost(goal), ratio);
        }
        let two = signatures(rsa, 2);
        for (way, goal) in [("exchange", 0.65), ("flow", 0.5)] {
            let name = format!("{way} {}", rsa.name());
            let ratio = results.ratio(&scene, (&name, MANY), (&two, MANY));
            let what = format!("{store}: {name} against signing on two cores");
            row(what, AtLeast(goal), ratio);
        }
        let flow = format!("flow {}", rsa.name());
        let ratio = results.ratio(&scene, (&flow, MANY), (&system_signatures(2), MANY));
        let what = format!("{store}: {flow} against the system's OpenSSL on two cores");
        row(what, AtLeast(1.0), ratio);
        if kind == Kind::Postgres {
            let (ours, theirs) = (signatures(rsa, 1), system_signatures(1));
            let ratio = results.ratio(&scene, (&theirs, MANY), (&ours, MANY));
            let what = "time of an RSA-3072 signature against the system's OpenSSL";
            row(what.to_owned(), AtMost(0.45), ratio);
        }
        let insert = match kind {
            Kind::Postgres => (Statement::Insert.name(), MANY),
            Kind::Sqlite => ("durable commits", MANY),
        };
        let ratio = results.ratio(store, (Path::Authorize.name(), MANY), insert);
        let what = format!("{store}: authorize against {}", insert.0);
        row(what, AtLeast(0.5), ratio);
        if kind == Kind::Postgres {
            for way in [Path::UserInfo, Path::Introspection] {
                let ratio =
                    results.ratio(store, (way.name(), MANY), (Statement::LookUp.name(), MANY));
                let what = format!("{store}: {} against a bare look-up", way.name());
                row(what, AtLeast(0.6), ratio);
            }
        }
        for way in HOT {
            let series = results.series(store, way.name(), MANY);
            let ratio = series.map(|it| it.median(|round| round.p99 / round.p50));
            row(
                format!("{store}: p99 against p50, {}", way.name()),
                AtMost(3.0),
                ratio,
            );
        }
    }
    let whole = |scene: &str, subject: &str| {
        let series = results.series(scene, subject, MANY)?;
        Some(series.median(|it| it.service + it.database))
    };
    let scene = algorithms(Kind::Postgres);
    let ours = whole(&scene, &format!("flow {}", Scheme::Rsa(2048).name()));
    let theirs = whole(&scene, Way::Flow.name());
    let ratio = ours.zip(theirs).map(|(ours, theirs)| ours / theirs);
    let what = "CPU of a flow, RSA-2048, with the database, against oidc-provider's";
    row(what.to_owned(), AtMost(0.25), ratio);
    let sqlite = Kind::Sqlite.name();
    let refresh = Path::Refresh.name();
    let ratio = results.ratio(sqlite, (refresh, 32), (refresh, 1));
    let what = format!("{sqlite}: refreshes at 32 connections against 1");
    row(what, AtLeast(4.0), ratio);
    let ratio = results.ratio(sqlite, (refresh, 32), ("durable commits", 32));
    let what = format!("{sqlite}: refreshes at 32 connections against single durable commits");
    row(what, AtLeast(5.0), ratio);
    for kind in [Kind::Postgres, Kind::Sqlite] {
        let name = kind.name();
        let megabytes = results.figure(&under_load(kind)).map(|it| it / 1e6);
        row(
            format!("{name}: memory under load, MB"),
            AtMost(30.0),
            megabytes,
        );
        let milliseconds = results.figure(&ready(kind)).map(|it| it * 1e3);
        row(
            format!("{name}: ready after, ms"),
            AtMost(150.0),
            milliseconds,
        );
    }
    let megabytes = results.figure("binary, bytes").map(|it| it / 1e6);
    row("binary, MB".to_owned(), AtMost(25.0), megabytes);
    rows
}

/// The rows with their goals, and then every series.
pub(crate) fn text(results: &Results) -> String {
    let mut text = String::new();
    let rows = rows(results);
    let widest = rows
        .iter()
        .map(|it| it.what.chars().count())
        .max()
        .unwrap_or(0);
    for row in &rows {
        let measured = row.measured.map_or("-".to_owned(), |it| format!("{it:.2}"));
        let verdict = match row.is_met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "not measured",
        };
        let (what, goal) = (&row.what, row.goal.to_string());
        // A String takes everything.
        let _ = writeln!(text, "{what:widest$}  {goal:>7}  {measured:>8}  {verdict}");
    }
    text.push('\n');
    text.push_str(&series(results));
    for figure in &results.figures {
        let _ = writeln!(text, "{}: {}", figure.name, figure.value);
    }
    text
}

/// Every series: a line each.
pub(crate) fn series(results: &Results) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:32} {:>52} {:>5} {:>9} {:>9} {:>9} {:>7} {:>7} {:>7}",
        "scene", "subject", "conn.", "per s", "p50 µs", "p99 µs", "service", "db", "driver"
    );
    for series in &results.series {
        let _ = writeln!(
            text,
            "{:32} {:>52} {:>5} {:>9.0} {:>9.0} {:>9.0} {:>7.3} {:>7.3} {:>7.3}",
            series.scene,
            series.subject,
            series.connections,
            series.median(|it| it.rate),
            series.median(|it| it.p50),
            series.median(|it| it.p99),
            series.median(|it| it.service),
            series.median(|it| it.database),
            series.median(|it| it.driver),
        );
    }
    text
}
