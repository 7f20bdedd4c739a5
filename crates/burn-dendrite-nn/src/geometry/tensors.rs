//! Geometries on burn's tensors.

use burn::tensor::{
    Tensor,
    module::{conv_transpose2d, conv2d, conv2d_weight_backward},
    ops::{ConvOptions, ConvTransposeOptions},
};

use super::{Convolution, Geometry, Pool, Wiring};

/// What arrives, `[batch, pre]`, through weights as drives, `[batch, post]`.
pub(crate) fn drive(wiring: &Wiring, arriving: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let arriving = pooled(&wiring.hears, arriving);
    let drive = match &wiring.geometry {
        Geometry::Dense => arriving.matmul(weight),
        Geometry::Convolution(convolution) => {
            let maps = maps(arriving, convolution.input);
            let kernels = kernels(convolution, weight);
            conv2d(maps, kernels, None, options(convolution)).flatten(1, 3)
        }
    };
    spread(&wiring.reaches, drive)
}

/// The same way back, transposed: `[batch, post]` to `[batch, pre]`.
pub(crate) fn drive_back(wiring: &Wiring, error: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let error = pooled(&wiring.reaches, error);
    let heard = match &wiring.geometry {
        Geometry::Dense => error.matmul(weight.transpose()),
        Geometry::Convolution(convolution) => {
            let maps = maps(error, convolution.output);
            let kernels = kernels(convolution, weight);
            conv_transpose2d(maps, kernels, None, transpose_options(convolution)).flatten(1, 3)
        }
    };
    spread(&wiring.hears, heard)
}

/// The change of the weights that products of presynaptic and postsynaptic factors stand for, summed over rows
/// and places.
pub(crate) fn outer(wiring: &Wiring, pre: Tensor<2>, post: Tensor<2>) -> Tensor<2> {
    let (pre, post) = (pooled(&wiring.hears, pre), pooled(&wiring.reaches, post));
    match &wiring.geometry {
        // A broadcast product for one sample: a matrix product with one inner term is slower.
        Geometry::Dense if pre.dims()[0] == 1 => pre.transpose() * post,
        Geometry::Dense => pre.transpose().matmul(post),
        Geometry::Convolution(convolution) => {
            let like = Tensor::<4>::zeros(kernel_dims(convolution), (&pre.device(), pre.dtype()));
            let (input, output) = (maps(pre, convolution.input), maps(post, convolution.output));
            let change = conv2d_weight_backward(input, like, output, options(convolution));
            change.flatten::<2>(1, 3).transpose()
        }
    }
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
    let Some(pool) = pool else {
        return pooled;
    };
    let [maps, height, width] = pool.pooled();
    let [batch, _] = pooled.dims();
    let lines = pooled.reshape([batch, maps * height, 1, width, 1]);
    let lines = lines.expand([batch, maps * height, pool.size, width, pool.size]);
    let units = lines.reshape([batch, pool.shape.iter().product()]);
    scaled(units, pool.factor())
}

fn scaled(rows: Tensor<2>, factor: f32) -> Tensor<2> {
    if factor == 1.0 { rows } else { rows * factor }
}

fn maps(rows: Tensor<2>, [maps, height, width]: [usize; 3]) -> Tensor<4> {
    let [batch, _] = rows.dims();
    rows.reshape([batch, maps, height, width])
}

fn kernel_dims(convolution: &Convolution) -> [usize; 4] {
    let side = convolution.kernel.size;
    [convolution.output[0], convolution.input[0], side, side]
}

/// Weights `[synapses, maps]` as burn's `[maps, maps, height, width]`.
fn kernels(convolution: &Convolution, weight: Tensor<2>) -> Tensor<4> {
    weight.transpose().reshape(kernel_dims(convolution))
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
