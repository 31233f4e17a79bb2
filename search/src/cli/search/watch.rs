//! Observer of a running search: its course, the display for people, and the events for programs.

use mnas_engine::study::{Observer, Study, StudyEvent};

use super::course::Course;
use super::events::EventLog;
use super::progress::SearchProgress;
use crate::report::Printer;

/// Follows the course of a search and shows it.
pub struct Watch<'a> {
    course: Course,
    progress: SearchProgress<'a>,
    events: &'a mut EventLog,
}

impl<'a> Watch<'a> {
    /// Begins to watch a study that will have `total` trials.
    pub fn new(printer: &'a Printer, study: &Study, total: usize, events: &'a mut EventLog) -> Self {
        let course = Course::new(study, total);
        let progress = SearchProgress::new(printer, &course);
        Self {
            course,
            progress,
            events,
        }
    }

    /// Ends the display with a summary.
    pub fn finish(self, summary: &str) {
        self.progress.finish(summary);
    }
}

impl Observer for Watch<'_> {
    fn on_event(&mut self, event: &StudyEvent<'_>) {
        self.course.update(event);
        self.progress.on_event(event, &self.course);
        self.events.on_study_event(event, &self.course);
    }
}
