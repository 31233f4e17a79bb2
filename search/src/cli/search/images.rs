//! Images as workers load them: their largest resolution, and their path.

use std::path::Path;

use mnas_engine::training::DataRequest;
use mnas_space::SearchSpace;

/// The largest resolution of a space in pixels.
pub(super) fn largest_resolution(space: &SearchSpace) -> u32 {
    let resolutions = space.families.iter().flat_map(|family| &family.resolutions);
    resolutions.copied().max().unwrap_or(224)
}

/// The images by an absolute path, valid in any folder that a worker runs in.
pub(super) fn absolute_data(data: &DataRequest) -> DataRequest {
    let mut data = data.clone();
    if data.path != Path::new("demo") {
        data.path = std::path::absolute(&data.path).unwrap_or(data.path);
    }
    data
}
