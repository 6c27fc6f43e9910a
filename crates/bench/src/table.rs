//! The goals, and what was measured beside them.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::{
    growth,
    labels::{
        self, BINARY, COMMITS, CORES, GROWTH, MANY, algorithms, memory_after, ready,
        round_trips_of, rows_added, signatures, system_signatures, under_load,
    },
    limits::Scheme,
    peer::Way,
    results::Results,
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

use Goal::{AtLeast, AtMost};

impl Goal {
    /// The figure itself.
    pub(crate) const fn bound(self) -> f64 {
        match self {
            Self::AtLeast(bound) | Self::AtMost(bound) => bound,
        }
    }

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
    /// Whether it is counted, and so the same on every machine.
    pub(crate) counted: bool,
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

/// The most round trips to PostgreSQL that each may take.
const ROUND_TRIPS: [(Path, f64); 9] = [
    (Path::Flow, 2.0),
    (Path::Authorize, 1.0),
    (Path::Exchange, 1.0),
    (Path::Refresh, 1.0),
    (Path::UserInfo, 1.0),
    (Path::Introspection, 1.0),
    (Path::Revocation, 2.0),
    (Path::Discovery, 0.0),
    (Path::KeySet, 0.0),
];

/// Every row, in the order in which it is printed.
pub(crate) fn rows(results: &Results) -> Vec<Row> {
    let mut table = Table {
        results,
        rows: Vec::new(),
    };
    table.refresh_against_statements();
    for kind in [Kind::Postgres, Kind::Sqlite] {
        table.signing(kind);
        table.authorize(kind);
        if kind == Kind::Postgres {
            table.tokens_against_a_look_up();
        }
        table.tails(kind);
    }
    table.peer();
    table.embedded();
    table.growth();
    table.sizes();
    table.counted();
    table.rows
}

struct Table<'a> {
    results: &'a Results,
    rows: Vec<Row>,
}

impl Table<'_> {
    fn row(&mut self, what: String, goal: Goal, measured: Option<f64>) {
        self.rows.push(Row {
            what,
            goal,
            measured,
            counted: false,
        });
    }

    fn counted(&mut self) {
        let rows = [Kind::Postgres, Kind::Sqlite].map(|kind| (rows_added(kind), 0.0));
        let trips = ROUND_TRIPS.map(|(way, most)| (round_trips_of(way), most));
        for (what, most) in rows.into_iter().chain(trips) {
            self.rows.push(Row {
                measured: self.results.figure(&what),
                what,
                goal: AtMost(most),
                counted: true,
            });
        }
        // A hash takes 20 MB, and as many run at a time as there are cores.
        let cores = self.results.figure(CORES).unwrap_or(2.0);
        // The brief run measures an unoptimized program, which is larger by itself. What it is to notice,
        // memory that is allocated for each hash, is several times as much.
        let build = if cfg!(debug_assertions) { 1.5 } else { 1.0 };
        for kind in [Kind::Postgres, Kind::Sqlite] {
            let kept = self.results.figure(&memory_after(kind));
            self.rows.push(Row {
                what: format!("{}: memory after 1,000 sign-ins, MB", kind.name()),
                measured: kept.map(|it| it / 1e6),
                goal: AtMost((30.0 + 20.0 * cores) * build),
                counted: true,
            });
        }
    }

    fn refresh_against_statements(&mut self) {
        let store = Kind::Postgres.name();
        for other in [Statement::Refresh, Statement::TwoInserts] {
            for connections in [8, 32] {
                let refresh = (Path::Refresh.name(), connections);
                let other = other.name();
                let ratio = self.results.ratio(store, refresh, (other, connections));
                let what =
                    format!("{store}: refresh against the {other}, {connections} connections");
                self.row(what, AtLeast(0.75), ratio);
            }
        }
    }

    fn signing(&mut self, kind: Kind) {
        let (store, scene, rsa) = (kind.name(), algorithms(kind), Scheme::Rsa(3072));
        for (scheme, goal) in [(rsa, 1.25), (Scheme::Rsa(2048), 1.6)] {
            let exchange = format!("{} {}", Path::Exchange.name(), scheme.name());
            let cpu = |subject: &str| {
                let series = self.results.series(&scene, subject, MANY);
                series.map(|it| it.median(|round| round.service))
            };
            let (exchange, bare) = (cpu(&exchange), cpu(&signatures(scheme, 1)));
            let ratio = exchange.zip(bare).map(|(exchange, bare)| exchange / bare);
            let scheme = scheme.name();
            let what = format!("{store}: CPU of an exchange against a bare signature, {scheme}");
            self.row(what, AtMost(goal), ratio);
        }
        for (way, other, goal) in [
            (Path::Exchange, signatures(rsa, 2), 0.65),
            (Path::Flow, signatures(rsa, 2), 0.5),
            (Path::Flow, system_signatures(2), 1.0),
        ] {
            let way = format!("{} {}", way.name(), rsa.name());
            let ratio = self.results.ratio(&scene, (&way, MANY), (&other, MANY));
            self.row(
                format!("{store}: {way} against {other}"),
                AtLeast(goal),
                ratio,
            );
        }
        if kind == Kind::Postgres {
            let (ours, theirs) = (signatures(rsa, 1), system_signatures(1));
            let ratio = self.results.ratio(&scene, (&theirs, MANY), (&ours, MANY));
            let what = "time of an RSA-3072 signature against the system's OpenSSL";
            self.row(what.to_owned(), AtMost(0.45), ratio);
        }
    }

    fn authorize(&mut self, kind: Kind) {
        let insert = match kind {
            Kind::Postgres => Statement::Insert.name(),
            Kind::Sqlite => COMMITS,
        };
        let (store, way) = (kind.name(), Path::Authorize.name());
        let ratio = self.results.ratio(store, (way, MANY), (insert, MANY));
        self.row(
            format!("{store}: {way} against {insert}"),
            AtLeast(0.5),
            ratio,
        );
    }

    fn tokens_against_a_look_up(&mut self) {
        let (store, look_up) = (Kind::Postgres.name(), Statement::LookUp.name());
        for way in [Path::UserInfo, Path::Introspection] {
            let way = way.name();
            let ratio = self.results.ratio(store, (way, MANY), (look_up, MANY));
            self.row(
                format!("{store}: {way} against a {look_up}"),
                AtLeast(0.6),
                ratio,
            );
        }
    }

    fn tails(&mut self, kind: Kind) {
        let store = kind.name();
        for way in HOT {
            let series = self.results.series(store, way.name(), MANY);
            let ratio = series.map(|it| it.median(|round| round.p99 / round.p50));
            self.row(
                format!("{store}: p99 against p50, {}", way.name()),
                AtMost(3.0),
                ratio,
            );
        }
    }

    fn peer(&mut self) {
        let scene = algorithms(Kind::Postgres);
        let cpu = |subject: &str| {
            let series = self.results.series(&scene, subject, MANY);
            series.map(|it| it.median(|round| round.service + round.database))
        };
        let ours = format!("{} {}", Path::Flow.name(), Scheme::Rsa(2048).name());
        let both = cpu(&ours).zip(cpu(Way::Flow.name()));
        let ratio = both.map(|(ours, theirs)| ours / theirs);
        let what = "CPU of a flow, RSA-2048, with the database, against oidc-provider's";
        self.row(what.to_owned(), AtMost(0.25), ratio);
    }

    fn embedded(&mut self) {
        let (store, refresh) = (Kind::Sqlite.name(), Path::Refresh.name());
        let ratio = self.results.ratio(store, (refresh, 32), (refresh, 1));
        let what = format!("{store}: refreshes at 32 connections against 1");
        self.row(what, AtLeast(4.0), ratio);
        let ratio = self.results.ratio(store, (refresh, 32), (COMMITS, 32));
        let what = format!("{store}: refreshes at 32 connections against single {COMMITS}");
        self.row(what, AtLeast(5.0), ratio);
    }

    fn growth(&mut self) {
        let largest = self.results.largest();
        for way in growth::PATHS {
            let small = labels::on(way, growth::SMALL.len());
            let others = [
                largest.map(|it| (format!("on {it} authorizations"), labels::on(way, it))),
                Some((
                    "after a year of refreshes".to_owned(),
                    labels::after_a_year(way),
                )),
            ];
            for (what, subject) in others.into_iter().flatten() {
                let ratio = self.results.ratio(GROWTH, (&subject, MANY), (&small, MANY));
                let what = format!("{} {what} against {}", way.name(), growth::SMALL.len());
                self.row(what, AtLeast(0.85), ratio);
            }
        }
    }

    fn sizes(&mut self) {
        for kind in [Kind::Postgres, Kind::Sqlite] {
            let name = kind.name();
            let megabytes = self.results.figure(&under_load(kind)).map(|it| it / 1e6);
            self.row(
                format!("{name}: memory under load, MB"),
                AtMost(30.0),
                megabytes,
            );
            let milliseconds = self.results.figure(&ready(kind)).map(|it| it * 1e3);
            self.row(
                format!("{name}: ready after, ms"),
                AtMost(150.0),
                milliseconds,
            );
        }
        let megabytes = self.results.figure(BINARY).map(|it| it / 1e6);
        self.row("binary, MB".to_owned(), AtMost(25.0), megabytes);
    }
}

/// The rows with their goals, and then every series.
pub(crate) fn text(results: &Results) -> String {
    let mut text = format!("{}\n\n", results.machine);
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
