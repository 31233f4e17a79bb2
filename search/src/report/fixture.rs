//! A made-up study for the tests of reports: 60 candidates, 12 references clustered closely.

use super::point::{ReportRow, RowKind, RowStatus, mark_front};

/// A number in 0..1 that depends on its argument alone.
fn noise(seed: u64) -> f64 {
    let mut value = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((value ^ (value >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A complete row with a prediction interval.
pub(super) fn row(kind: RowKind, number: u64, latency_ms: f64, accuracy: f64) -> ReportRow {
    ReportRow {
        trial: Some(number),
        architecture: format!("s16_k3_r2_c{number}"),
        status: RowStatus::Complete,
        accuracy: Some(accuracy),
        latency_ms: Some(latency_ms),
        latency_low_ms: Some(latency_ms * 0.94),
        latency_high_ms: Some(latency_ms * 1.07),
        params: 2_000_000 + number * 37_001,
        macs: (latency_ms * 14.0e6) as u64,
        peak_activation_bytes: 4_816_896,
        resolution: 160 + 32 * (number % 3) as u32,
        train_seconds: Some(100.0 + number as f64),
        ..ReportRow::new(kind, format!("{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }
}

/// A reference with a name and no trial.
pub(super) fn reference(name: &str, latency_ms: f64, accuracy: f64) -> ReportRow {
    ReportRow {
        trial: None,
        name: name.to_owned(),
        ..row(RowKind::Reference, 900 + name.len() as u64, latency_ms, accuracy)
    }
}

/// 60 candidates, two of them without a result, and 12 references; three candidates of the front are measured.
pub(super) fn study(budget_ms: Option<f64>) -> Vec<ReportRow> {
    let mut rows: Vec<ReportRow> = (0..60)
        .map(|number| {
            let latency = 6.0 + 26.0 * noise(number).powf(1.3);
            let accuracy = 76.0 - 60.0 / (latency + 0.5) - 6.5 * noise(number + 1000).powi(2);
            row(RowKind::Candidate, number, latency, accuracy)
        })
        .collect();
    rows[7].status = RowStatus::Failed;
    rows[7].accuracy = None;
    rows[23].status = RowStatus::Pending;
    rows[23].accuracy = None;
    rows.extend(
        [
            ("MobileNetV1 0.5x 224", 12.4, 63.9),
            ("MobileNetV1 0.75x 160", 13.2, 65.2),
            ("MobileNetV1 1.0x 160", 19.8, 67.9),
            ("MobileNetV2 0.5x 224", 11.2, 65.6),
            ("MobileNetV2 0.75x 160", 10.4, 66.3),
            ("MobileNetV2 0.75x 224", 18.4, 69.8),
            ("MobileNetV2 1.0x 224", 24.6, 71.6),
            ("MobileNetV3-Large 0.75x 160", 12.9, 68.8),
            ("MobileNetV3-Large 0.75x 224", 17.3, 72.9),
            ("MobileNetV3-Large 1.0x 224", 22.9, 74.4),
            ("MobileNetV3-Small 0.75x 224", 6.9, 65.2),
            ("MobileNetV3-Small 1.0x 224", 8.1, 66.9),
        ]
        .map(|(name, latency, accuracy)| reference(name, latency, accuracy)),
    );
    mark_front(&mut rows);
    let front: Vec<usize> = (0..rows.len()).filter(|&index| rows[index].on_front).collect();
    for (order, &index) in front.iter().enumerate().filter(|(order, _)| order % 2 == 0) {
        let factor = [1.06, 0.97, 1.11][order / 2 % 3];
        rows[index].measured_ms = rows[index].latency_ms.map(|value| value * factor);
    }
    mark_front(&mut rows);
    mark_budget(&mut rows, budget_ms);
    rows
}

/// Marks the rows that keep a budget, as measured where they were measured.
pub(super) fn mark_budget(rows: &mut [ReportRow], budget_ms: Option<f64>) {
    for row in rows {
        let latency = row.decisive_latency_ms();
        row.within_budget = budget_ms.is_none_or(|budget| latency.is_some_and(|latency| latency <= budget));
    }
}
