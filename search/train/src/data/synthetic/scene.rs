//! Drawing of the synthetic images.
//!
//! Place, size, rotation, proportions, hues, background, small distractor shapes, bars in front and noise are random and
//! independent of the class, so that neither colours nor single pixels reveal it and a network has to combine outline and texture.
//! Objects are lighter than the background: otherwise small networks need too many epochs to start learning.

use std::f32::consts::{PI, TAU};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub(super) const SHAPES: [&str; 5] = ["disc", "square", "triangle", "star", "cross"];
pub(super) const TEXTURES: [&str; 4] = ["striped", "spotted", "checked", "ringed"];

type Colour = [f32; 3];

/// A shape with a texture.
struct Object {
    shape: usize,
    texture: usize,
    centre: [f32; 2],
    /// Half of its width and of its height.
    radius: [f32; 2],
    /// Cosine and sine of its rotation.
    turn: [f32; 2],
    /// Cosine and sine of the texture's own rotation.
    texture_turn: [f32; 2],
    /// Periods of the texture per unit of the image, as an angle.
    frequency: f32,
    phase: [f32; 2],
    colours: [Colour; 2],
}

/// A bar across the image.
struct Bar {
    normal: [f32; 2],
    offset: f32,
    half_width: f32,
    colour: Colour,
}

/// Content of one image, in coordinates where the image is the unit square.
pub(super) struct Scene {
    background: [Colour; 2],
    /// Direction and phase of the background's waves, as angles per unit of the image.
    waves: [[f32; 3]; 2],
    /// Distractors, then the object of the class.
    objects: Vec<Object>,
    bars: Vec<Bar>,
    noise: f32,
}

impl Scene {
    /// A random scene whose object has this shape and texture.
    pub(super) fn random(rng: &mut ChaCha8Rng, shape: usize, texture: usize) -> Self {
        let background = [tone(rng, 0.0, 0.5), tone(rng, 0.0, 0.5)];
        let waves = [(); 2].map(|()| {
            let [x, y] = direction(rng);
            let frequency = rng.random_range(2.0_f32..11.0);
            [x * frequency, y * frequency, rng.random_range(0.0..TAU)]
        });
        let mut objects: Vec<Object> = (0..rng.random_range(1..4))
            .map(|_| {
                let (shape, texture) = (rng.random_range(0..SHAPES.len()), rng.random_range(0..TEXTURES.len()));
                let radius = rng.random_range(0.06_f32..0.115);
                let centre = [rng.random_range(0.0..1.0), rng.random_range(0.0..1.0)];
                Object::random(rng, shape, texture, radius, centre)
            })
            .collect();
        let radius = rng.random_range(0.26_f32..0.41);
        let mut place = || rng.random_range(radius * 0.9..1.0 - radius * 0.9);
        let centre = [place(), place()];
        objects.push(Object::random(rng, shape, texture, radius, centre));
        let bars = (0..rng.random_range(0..3)).map(|_| Bar::random(rng)).collect();
        Self {
            background,
            waves,
            objects,
            bars,
            noise: rng.random_range(0.015..0.08),
        }
    }

    /// Pixels at `size` by `size`, `[size, size, 3]`.
    pub(super) fn render(&self, rng: &mut ChaCha8Rng, size: u32) -> Vec<u8> {
        let pixel = 1.0 / size as f32;
        let mut image = Vec::with_capacity(3 * size as usize * size as usize);
        for row in 0..size {
            for column in 0..size {
                let at = [(column as f32 + 0.5) * pixel, (row as f32 + 0.5) * pixel];
                let mut colour = self.background_at(at);
                for object in &self.objects {
                    object.paint(at, pixel, &mut colour);
                }
                for bar in &self.bars {
                    let distance = (at[0] * bar.normal[0] + at[1] * bar.normal[1] - bar.offset).abs();
                    blend(
                        &mut colour,
                        bar.colour,
                        (0.5 + (bar.half_width - distance) / pixel).clamp(0.0, 1.0),
                    );
                }
                // One random number gives the noise of the three channels.
                let bits: u32 = rng.random();
                for (channel, value) in colour.iter().enumerate() {
                    let noise = ((bits >> (10 * channel)) & 1023) as f32 / 511.5 - 1.0;
                    image.push(((value + self.noise * noise) * 255.0).round().clamp(0.0, 255.0) as u8);
                }
            }
        }
        image
    }

    fn background_at(&self, at: [f32; 2]) -> Colour {
        let wave = |[x, y, phase]: [f32; 3]| (x * at[0] + y * at[1] + phase).sin();
        let mix = 0.5 + 0.25 * (wave(self.waves[0]) + wave(self.waves[1]));
        let mut colour = self.background[0];
        blend(&mut colour, self.background[1], mix);
        colour
    }
}

impl Object {
    fn random(rng: &mut ChaCha8Rng, shape: usize, texture: usize, radius: f32, centre: [f32; 2]) -> Self {
        let squeeze = rng.random_range(0.85_f32..1.18);
        Self {
            shape,
            texture,
            centre,
            radius: [radius * squeeze, radius / squeeze],
            turn: tilt(rng),
            texture_turn: direction(rng),
            frequency: TAU / rng.random_range(0.125_f32..0.195),
            phase: [rng.random_range(0.0..TAU), rng.random_range(0.0..TAU)],
            colours: [tone(rng, 0.3, 0.6), tone(rng, 0.7, 1.0)],
        }
    }

    /// Paints the object over `colour` at a point.
    fn paint(&self, at: [f32; 2], pixel: f32, colour: &mut Colour) {
        let away = [at[0] - self.centre[0], at[1] - self.centre[1]];
        let reach = 1.1 * self.radius[0].max(self.radius[1]);
        if away[0].abs() > reach || away[1].abs() > reach {
            return;
        }
        let turned = rotate(away, self.turn);
        let distance = outline(self.shape, [turned[0] / self.radius[0], turned[1] / self.radius[1]]);
        let cover = (0.5 - distance * self.radius[0].min(self.radius[1]) / pixel).clamp(0.0, 1.0);
        if cover <= 0.0 {
            return;
        }
        let [x, y] = rotate(away, self.texture_turn).map(|along| along * self.frequency);
        let (x, y) = (x + self.phase[0], y + self.phase[1]);
        let wave = match self.texture {
            0 => x.sin(),
            1 => x.sin() + y.sin() - 0.6,
            2 => 1.5 * x.sin() * y.sin(),
            _ => (away[0].hypot(away[1]) * self.frequency + self.phase[0]).sin(),
        };
        let mut paint = self.colours[0];
        blend(&mut paint, self.colours[1], (0.5 + 1.5 * wave).clamp(0.0, 1.0));
        blend(colour, paint, cover);
    }
}

impl Bar {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let normal = direction(rng);
        let through = [rng.random_range(0.1_f32..0.9), rng.random_range(0.1_f32..0.9)];
        Self {
            normal,
            offset: normal[0] * through[0] + normal[1] * through[1],
            half_width: rng.random_range(0.012..0.04),
            colour: tone(rng, 0.0, 1.0),
        }
    }
}

/// Distance of a point to the outline of a shape of radius 1 about the origin, negative inside.
fn outline(shape: usize, [x, y]: [f32; 2]) -> f32 {
    match shape {
        0 => x.hypot(y) - 0.85,
        1 => x.abs().max(y.abs()) - 0.72,
        2 => (0.5 * y + 0.866 * x.abs()).max(-y) - 0.5,
        3 => star(x, y),
        _ => {
            let (long, short) = (x.abs().max(y.abs()), x.abs().min(y.abs()));
            (long - 0.95).max(short - 0.28)
        }
    }
}

/// Distance to the nearest edge of a five-pointed star, computed in one tenth of the turn onto which the others are folded.
fn star(x: f32, y: f32) -> f32 {
    const TIP: f32 = 1.0;
    const NOTCH: f32 = 0.42;
    let tenth = PI / 5.0;
    let angle = (x.atan2(y).rem_euclid(2.0 * tenth) - tenth).abs();
    let radius = x.hypot(y);
    let (px, py) = (radius * angle.cos(), radius * angle.sin());
    // In the fold the notch lies at angle 0, the tip at the other end.
    let (tip_x, tip_y) = (TIP * tenth.cos(), TIP * tenth.sin());
    let (edge_x, edge_y) = (tip_x - NOTCH, tip_y);
    let length = edge_x.hypot(edge_y);
    ((px - NOTCH) * edge_y - py * edge_x) / length
}

fn rotate([x, y]: [f32; 2], [cosine, sine]: [f32; 2]) -> [f32; 2] {
    [x * cosine + y * sine, y * cosine - x * sine]
}

/// Cosine and sine of a rotation by up to about 70 degrees either way.
fn tilt(rng: &mut ChaCha8Rng) -> [f32; 2] {
    const MOST: f32 = 1.2;
    let angle: f32 = rng.random_range(-MOST..MOST);
    [angle.cos(), angle.sin()]
}

fn direction(rng: &mut ChaCha8Rng) -> [f32; 2] {
    let angle = rng.random_range(0.0..TAU);
    [angle.cos(), angle.sin()]
}

/// A colour whose channels lie between `least` and `most`.
fn tone(rng: &mut ChaCha8Rng, least: f32, most: f32) -> Colour {
    [(); 3].map(|()| rng.random_range(least..most))
}

fn blend(colour: &mut Colour, over: Colour, share: f32) {
    for (value, over) in colour.iter_mut().zip(over) {
        *value += share * (over - *value);
    }
}
