//! Geometries on burn's tensors.

use burn::tensor::{
    Int, Tensor, TensorData,
    module::{conv_transpose2d, conv2d, conv2d_weight_backward, fold4d, unfold4d},
    ops::{ConvOptions, ConvTransposeOptions, UnfoldOptions},
};

use super::{
    Convolution, Geometry, Local, Pool, ReceptiveFields, Wiring, receptive_fields::of_synapses,
};
use crate::numbers::view_of;

/// Weights, and the presynaptic unit that each comes from where only a draw says so.
pub(crate) struct Synapses {
    pub(crate) weight: Tensor<2>,
    pub(crate) heard: Option<Tensor<2, Int>>,
}

impl Synapses {
    /// The weights of windows at random places among those of all pairs of units.
    ///
    /// A product with so many zeros is what devices do fastest, and the zeros are gone after it.
    fn among_all(self, fields: &ReceptiveFields) -> Tensor<2> {
        match self.heard {
            Some(heard) => fields.among_all(self.weight, heard),
            None => self.weight,
        }
    }
}

/// What arrives, `[batch, pre]`, through weights as drives, `[batch, post]`.
pub(crate) fn drive(wiring: &Wiring, arriving: Tensor<2>, synapses: Synapses) -> Tensor<2> {
    let arriving = pooled(&wiring.hears, arriving);
    let drive = match &wiring.geometry {
        Geometry::Dense => arriving.matmul(synapses.weight),
        Geometry::Convolution(convolution) if convolution.is_pointwise() => {
            let mixed = synapses.weight.transpose().unsqueeze::<3>();
            let drive = mixed.matmul(places(arriving, convolution.input));
            drive.flatten(1, 2)
        }
        Geometry::Convolution(convolution) => {
            let maps = maps(arriving, convolution.input);
            let kernels = kernels(convolution, synapses.weight);
            let drive = conv2d(maps, kernels, None, options(convolution));
            return spread_maps(&wiring.reaches, drive);
        }
        Geometry::Local(local) => {
            let weights = by_place(local, synapses.weight);
            samples_first(patches(local, arriving).matmul(weights))
        }
        Geometry::ReceptiveFields(fields) => arriving.matmul(synapses.among_all(fields)),
    };
    spread(&wiring.reaches, drive)
}

/// The same way back, transposed: `[batch, post]` to `[batch, pre]`.
pub(crate) fn drive_back(wiring: &Wiring, error: Tensor<2>, synapses: Synapses) -> Tensor<2> {
    let error = pooled(&wiring.reaches, error);
    let heard = match &wiring.geometry {
        Geometry::Dense => error.matmul(synapses.weight.transpose()),
        Geometry::Convolution(convolution) if convolution.is_pointwise() => {
            let mixed = synapses.weight.unsqueeze::<3>();
            let heard = mixed.matmul(places(error, convolution.output));
            heard.flatten(1, 2)
        }
        Geometry::Convolution(convolution) => {
            let maps = maps(error, convolution.output);
            let kernels = kernels(convolution, synapses.weight);
            let heard = conv_transpose2d(maps, kernels, None, transpose_options(convolution));
            return spread_maps(&wiring.hears, heard);
        }
        Geometry::Local(local) => {
            let weights = by_place(local, synapses.weight).swap_dims(1, 2);
            let patches = places_first(local, error).matmul(weights);
            folded(local, samples_first(patches))
        }
        Geometry::ReceptiveFields(fields) => error.matmul(synapses.among_all(fields).transpose()),
    };
    spread(&wiring.hears, heard)
}

/// The same through several convolutions that differ in the maps which come back, as one.
///
/// Of activities these maps are listed one after the other, and so are their weights, so that both are joined at the
/// side.
pub(crate) fn drives_back(ways: Vec<(&Wiring, Tensor<2>, Tensor<2>)>) -> Option<Tensor<2>> {
    let (first, ..) = ways.first()?;
    let Geometry::Convolution(convolution) = first.geometry else {
        return None;
    };
    let mut maps = 0;
    for (wiring, ..) in &ways {
        let Geometry::Convolution(mut other) = wiring.geometry else {
            return None;
        };
        maps += other.output[0];
        other.output[0] = convolution.output[0];
        let alike = Wiring {
            geometry: Geometry::Convolution(other),
            ..**wiring
        };
        if alike != **first || other.is_pointwise() {
            return None;
        }
    }
    let mut joined = **first;
    joined.geometry = Geometry::Convolution(Convolution {
        output: [maps, convolution.output[1], convolution.output[2]],
        ..convolution
    });
    let (errors, weights) = ways
        .into_iter()
        .map(|(_, error, weight)| (error, weight))
        .unzip();
    let weight = Tensor::cat(weights, 1);
    let synapses = Synapses {
        weight,
        heard: None,
    };
    Some(drive_back(&joined, Tensor::cat(errors, 1), synapses))
}

/// The change of the weights that products of presynaptic and postsynaptic factors stand for, summed over rows
/// and places.
pub(crate) fn outer(
    wiring: &Wiring,
    heard: Option<Tensor<2, Int>>,
    pre: Tensor<2>,
    post: Tensor<2>,
) -> Tensor<2> {
    let (pre, post) = (pooled(&wiring.hears, pre), pooled(&wiring.reaches, post));
    match &wiring.geometry {
        // A broadcast product for one sample: a matrix product with one inner term is slower.
        Geometry::Dense if pre.dims()[0] == 1 => pre.transpose() * post,
        // Of a bias the sum over the rows.
        Geometry::Dense if pre.dims()[1] == 1 => (pre * post).sum_dim(0),
        Geometry::Dense => pre.transpose().matmul(post),
        Geometry::Convolution(convolution) if convolution.is_pointwise() => {
            let heard = places(pre, convolution.input);
            let change = heard.matmul(places(post, convolution.output).transpose());
            change.sum_dim(0).squeeze_dim(0)
        }
        Geometry::Convolution(convolution) => {
            // Only its dimensions are asked for.
            let like = view_of(0.0, kernel_dims(convolution), &pre);
            let (input, output) = (maps(pre, convolution.input), maps(post, convolution.output));
            let change = conv2d_weight_backward(input, like, output, options(convolution));
            change
                .permute([1, 2, 3, 0])
                .reshape([convolution.fan_in(), convolution.output[0]])
        }
        Geometry::Local(local) => {
            let patches = patches(local, pre).swap_dims(1, 2);
            let change = patches.matmul(places_first(local, post));
            change.permute([1, 2, 0]).flatten(1, 2)
        }
        Geometry::ReceptiveFields(_) => {
            let all = pre.transpose().matmul(post);
            match heard {
                Some(heard) => of_synapses(all, heard),
                None => all,
            }
        }
    }
}

/// Weights, `[rows, columns]`, in which those of synapses that the geometry rules out are 0.
pub(crate) fn keep_existing(geometry: &Geometry, weight: Tensor<2>) -> Tensor<2> {
    let local = match geometry {
        Geometry::Local(local) if !local.is_whole() => local,
        Geometry::Dense
        | Geometry::Convolution(_)
        | Geometry::Local(_)
        | Geometry::ReceptiveFields(_) => return weight,
    };
    let [input_maps, side] = [local.windows.input[0], local.windows.kernel.size];
    // All maps are cut off alike.
    let exists: Vec<f32> = (0..side * side)
        .flat_map(|synapse| local.exists(synapse))
        .map(|exists| f32::from(u8::from(exists)))
        .collect();
    let places = local.windows.places();
    let exists = TensorData::new(exists, [1, side * side, 1, places]);
    let exists = Tensor::<4>::from_data(exists, (&weight.device(), weight.dtype()));
    let dims = weight.dims();
    let weights = weight.reshape([input_maps, side * side, local.windows.output[0], places]);
    // Added to nothing, what is missing is 0 and not −0.
    (weights * exists + 0.0).reshape(dims)
}

/// The sum over the places of each map, `[rows, units]` to `[rows, maps]`.
pub(crate) fn sum_places(units: Tensor<2>, number_of_maps: usize) -> Tensor<2> {
    let [rows, size] = units.dims();
    let maps = units.reshape([rows, number_of_maps, size / number_of_maps.max(1)]);
    maps.sum_dim(2).squeeze_dim(2)
}

fn pooled(pool: &Option<Pool>, units: Tensor<2>) -> Tensor<2> {
    let Some(pool) = pool else {
        return units;
    };
    let [_, height, width] = pool.pooled();
    let [batch, _] = units.dims();
    let lines = units.reshape([batch, pool.shape[0] * height, pool.size, width, pool.size]);
    let sums = lines.sum_dim(4).sum_dim(2);
    let sums = sums.reshape([batch, pool.shape[0] * height * width]);
    scaled(sums, pool.factor())
}

fn spread(pool: &Option<Pool>, pooled: Tensor<2>) -> Tensor<2> {
    match pool {
        Some(of) => spread_maps(pool, maps(pooled, of.pooled())),
        None => pooled,
    }
}

/// Each value of a map at all units of its pool, `[batch, maps, height, width]` to `[batch, units]`.
fn spread_maps(pool: &Option<Pool>, pooled: Tensor<4>) -> Tensor<2> {
    let Some(pool) = pool else {
        return pooled.flatten(1, 3);
    };
    let [batch, maps, height, width] = pooled.dims();
    // A product, which burn makes part of what follows, as it does not with an expansion.
    let window = view_of(pool.factor(), [1, 1, 1, pool.size, 1, pool.size], &pooled);
    let lines: Tensor<6> = pooled.reshape([batch, maps, height, 1, width, 1]);
    (lines * window).reshape([batch, pool.shape.iter().product()])
}

fn scaled(rows: Tensor<2>, factor: f32) -> Tensor<2> {
    if factor == 1.0 { rows } else { rows * factor }
}

fn maps(rows: Tensor<2>, [maps, height, width]: [usize; 3]) -> Tensor<4> {
    let [batch, _] = rows.dims();
    rows.reshape([batch, maps, height, width])
}

/// The places of each map in a row, `[batch, maps, places]`.
fn places(rows: Tensor<2>, [maps, height, width]: [usize; 3]) -> Tensor<3> {
    let [batch, _] = rows.dims();
    rows.reshape([batch, maps, height * width])
}

fn kernel_dims(convolution: &Convolution) -> [usize; 4] {
    let side = convolution.kernel.size;
    [convolution.output[0], convolution.input[0], side, side]
}

/// Weights `[synapses, maps]` as burn's `[maps, maps, height, width]`.
fn kernels(convolution: &Convolution, weight: Tensor<2>) -> Tensor<4> {
    let [maps, heard, height, width] = kernel_dims(convolution);
    weight
        .reshape([heard, height, width, maps])
        .permute([3, 0, 1, 2])
}

fn options(convolution: &Convolution) -> ConvOptions<2> {
    let kernel = convolution.kernel;
    ConvOptions::new([kernel.stride; 2], [kernel.padding; 2], [1; 2], 1)
}

fn transpose_options(convolution: &Convolution) -> ConvTransposeOptions<2> {
    let kernel = convolution.kernel;
    // What the stride left over at the far border.
    let rest = |side: usize| (side + 2 * kernel.padding - kernel.size) % kernel.stride;
    let [_, height, width] = convolution.input;
    ConvTransposeOptions::new(
        [kernel.stride; 2],
        [kernel.padding; 2],
        [rest(height), rest(width)],
        [1; 2],
        1,
    )
}

/// What each place sees, `[batch, units]` to `[places, batch, synapses]`.
fn patches(local: &Local, units: Tensor<2>) -> Tensor<3> {
    let [maps, height, width] = local.windows.input;
    let [batch, _] = units.dims();
    // A map at a time: burn would otherwise pick each synapse out of all maps.
    let maps_apart = units.reshape([batch * maps, 1, height, width]);
    let side = local.windows.kernel.size;
    let patches = unfold4d(maps_apart, [side; 2], unfold_options(local));
    let patches = patches.reshape([batch, local.windows.fan_in(), local.windows.places()]);
    patches.permute([2, 0, 1])
}

/// Adds what each place sends back to where it was seen, `[batch, synapses · places]` to `[batch, units]`.
fn folded(local: &Local, patches: Tensor<2>) -> Tensor<2> {
    let [maps, height, width] = local.windows.input;
    let [batch, _] = patches.dims();
    let side = local.windows.kernel.size;
    let maps_apart = patches.reshape([batch * maps, side * side, local.windows.places()]);
    let units = fold4d(
        maps_apart,
        [height, width],
        [side; 2],
        unfold_options(local),
    );
    units.reshape([batch, maps * height * width])
}

/// Weights `[synapses, units]` as a matrix for each place, `[places, synapses, maps]`.
fn by_place(local: &Local, weight: Tensor<2>) -> Tensor<3> {
    let [synapses, _] = weight.dims();
    let weights = weight.reshape([synapses, local.windows.output[0], local.windows.places()]);
    weights.permute([2, 0, 1])
}

/// `[batch, units]` to `[places, batch, maps]`.
fn places_first(local: &Local, units: Tensor<2>) -> Tensor<3> {
    let [batch, _] = units.dims();
    let maps = units.reshape([batch, local.windows.output[0], local.windows.places()]);
    maps.permute([2, 0, 1])
}

/// `[places, batch, values]` to `[batch, values · places]`.
fn samples_first(values: Tensor<3>) -> Tensor<2> {
    values.permute([1, 2, 0]).flatten(1, 2)
}

fn unfold_options(local: &Local) -> UnfoldOptions {
    let kernel = local.windows.kernel;
    UnfoldOptions::new([kernel.stride; 2], [kernel.padding; 2], [1; 2])
}
