//! The pictures: ratios as bars against the limit, and what growth does, as curves.

use std::path::Path as FilePath;

use anyhow::{Context, Result, anyhow};
use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    growth,
    labels::{self, GROWTH, MANY},
    results::Results,
    table::{self, Goal, Row},
};

/// A picture's width, a row's height and the room for a row's name, in pixels.
const WIDTH: u32 = 1000;
const ROW: u32 = 22;
const NAMES: u32 = 560;

const MET: RGBColor = RGBColor(46, 125, 90);
const MISSED: RGBColor = RGBColor(196, 98, 45);
const INK: RGBColor = RGBColor(40, 40, 46);
const FAINT: RGBColor = RGBColor(205, 205, 210);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws everything into a folder.
pub(crate) fn draw(results: &Results, folder: &FilePath) -> Result<()> {
    let rows = table::rows(results);
    let measured = || {
        rows.iter()
            .filter(|it| it.measured.is_some() && !it.counted)
    };
    let at_least: Vec<&Row> = measured()
        .filter(|it| matches!(it.goal, Goal::AtLeast(goal) if goal <= 1.0))
        .collect();
    bars(
        &folder.join("ratios.svg"),
        "Speed, as a share of the limit",
        &at_least,
    )?;
    let at_most: Vec<&Row> = measured()
        .filter(|it| matches!(it.goal, Goal::AtMost(goal) if goal <= 5.0))
        .collect();
    bars(
        &folder.join("costs.svg"),
        "Cost, as a multiple of what it is measured by",
        &at_most,
    )?;
    if results.largest().is_some() {
        curves(&folder.join("growth.svg"), results)?;
    }
    Ok(())
}

fn drawn<E: std::fmt::Debug>(result: Result<(), E>) -> Result<()> {
    result.map_err(|error| anyhow!("a picture cannot be drawn: {error:?}"))
}

fn ink(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// A bar for each row, with its goal as a mark and the limit, 1, as a line.
fn bars(file: &FilePath, title: &str, rows: &[&Row]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let height = ROW * (rows.len() as u32 + 3);
    let area = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    drawn(area.fill(&WHITE))?;
    drawn(area.draw(&Text::new(title.to_owned(), (10, 8), ink(16))))?;
    let values = rows.iter().filter_map(|it| it.measured);
    let goals = rows.iter().map(|it| it.goal.bound());
    let most = values.chain(goals).fold(1.0, f64::max) * 1.12;
    let x = |value: f64| (NAMES + (f64::from(WIDTH - NAMES - 20) * value / most) as u32) as i32;
    let bottom = (height - ROW) as i32;
    drawn(line(
        &area,
        [(x(1.0), ROW as i32 + 8), (x(1.0), bottom)],
        FAINT,
        2,
    ))?;
    for (row, index) in rows.iter().zip(2_i32..) {
        let middle = index * ROW as i32 + 3;
        let measured = row.measured.unwrap_or_default();
        let name = ink(13).pos(Pos::new(HPos::Right, VPos::Center));
        drawn(area.draw(&Text::new(
            row.what.clone(),
            (NAMES as i32 - 8, middle),
            name,
        )))?;
        let color = if row.is_met() == Some(true) {
            MET
        } else {
            MISSED
        };
        let bar = [(x(0.0), middle - 6), (x(measured), middle + 6)];
        drawn(area.draw(&Rectangle::new(bar, color.filled())))?;
        let goal = x(row.goal.bound());
        drawn(line(
            &area,
            [(goal, middle - 9), (goal, middle + 9)],
            INK,
            2,
        ))?;
        let value = ink(12).pos(Pos::new(HPos::Left, VPos::Center));
        let beside = (x(measured).max(goal) + 5, middle);
        drawn(area.draw(&Text::new(format!("{measured:.2}"), beside, value)))?;
    }
    let legend = "bar: measured (green: the goal is met)   black mark: the goal   grey line: 1";
    drawn(area.draw(&Text::new(legend, (10, bottom + 2), ink(12))))?;
    drawn(area.present())
}

fn line(
    area: &Area<'_>,
    ends: [(i32, i32); 2],
    color: RGBColor,
    width: u32,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    area.draw(&PathElement::new(ends.to_vec(), color.stroke_width(width)))
}

/// Requests per second by how many authorizations there are.
fn curves(file: &FilePath, results: &Results) -> Result<()> {
    let mut sizes: Vec<u32> = results.sizes().collect();
    sizes.sort_unstable();
    let (Some(first), Some(last)) = (sizes.first(), sizes.last()) else {
        return Ok(());
    };
    let curve = |way| {
        let point = |size: &u32| {
            let series = results.series(GROWTH, &labels::on(way, *size), MANY)?;
            Some((f64::from(*size), series.median(|it| it.rate)))
        };
        sizes.iter().filter_map(point).collect::<Vec<_>>()
    };
    let all = growth::PATHS.map(|way| (way, curve(way)));
    let rates = all.iter().flat_map(|it| &it.1).map(|it| it.1);
    let most = rates.fold(0.0, f64::max) * 1.1;
    let area = SVGBackend::new(file, (WIDTH, 480)).into_drawing_area();
    drawn(area.fill(&WHITE))?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Requests per second, 8 connections", ink(16))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(
            (f64::from(*first)..f64::from(*last) * 1.3).log_scale(),
            0.0..most,
        )
        .map_err(|error| anyhow!("{error:?}"))?;
    drawn(
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(FAINT)
            .x_desc("authorizations (a logarithmic scale)")
            .x_label_formatter(&|it| format!("{it:.0}"))
            .y_label_formatter(&|it| format!("{it:.0}"))
            .draw(),
    )?;
    for ((way, curve), index) in all.iter().zip(0..) {
        let color = Palette99::pick(index).to_rgba();
        let points = curve.iter().map(|it| Circle::new(*it, 4, color.filled()));
        chart
            .draw_series(points)
            .map_err(|error| anyhow!("{error:?}"))?;
        let line = LineSeries::new(curve.iter().copied(), color.stroke_width(2));
        let end = curve.last().context("a curve")?;
        chart
            .draw_series(line)
            .map_err(|error| anyhow!("{error:?}"))?;
        let name = Text::new(way.name(), (end.0 * 1.03, end.1), ink(12));
        chart
            .draw_series(std::iter::once(name))
            .map_err(|error| anyhow!("{error:?}"))?;
    }
    drawn(area.present())
}
