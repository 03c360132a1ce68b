// Where a dense convolution's window reads; put before `dense_int8.wgsl` and `dense_float.wgsl`.

// First quad of the input pixel, and 1 where it lies inside the picture.
?window fn source(pixel: u32, tap: u32) -> vec2<u32> {
?window     let row = pixel / OUTPUT_WIDTH * STRIDE + tap / KERNEL - BEFORE;
?window     let column = pixel % OUTPUT_WIDTH * STRIDE + tap % KERNEL - BEFORE;
?window     // Rows and columns before the first are very large numbers.
?window     let is_inside = row < INPUT_HEIGHT && column < INPUT_WIDTH;
?window     return select(vec2<u32>(), vec2<u32>((row * INPUT_WIDTH + column) * INPUT_QUADS, 1u), is_inside);
?window }
