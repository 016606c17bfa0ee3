// Operators of the explicit-layout pipeline, which the pinned ExecuTorch does not have yet: those on NCHW shapes with the
// same bytes, channels innermost.
#include "executorch/backends/cortex_m/ops/cortex_m_ops_common.h"
namespace cortex_m { namespace native {
using A = const Int64ArrayRef; using T = const Tensor&; using O = const std::optional<Tensor>&;
Tensor& quantized_conv2d_out(KernelRuntimeContext&, T, T, O, A, A, A, int64_t, int64_t, T, T, int64_t, int64_t, T, Tensor&);
Tensor& quantized_depthwise_conv2d_out(KernelRuntimeContext&, T, T, O, A, A, A, int64_t, int64_t, int64_t, T, T, int64_t, int64_t, T, Tensor&);
Tensor& quantized_transpose_conv2d_out(KernelRuntimeContext&, T, T, O, A, A, A, A, int64_t, int64_t, T, T, int64_t, int64_t, T, T, Tensor&);
Tensor& quantized_avg_pool2d_out(KernelRuntimeContext&, T, A, A, A, bool, int64_t, int64_t, int64_t, T, Tensor&);
Tensor& quantized_max_pool2d_out(KernelRuntimeContext&, T, A, A, A, A, bool, int64_t, int64_t, int64_t, int64_t, Tensor&);
struct As {
  executorch::aten::SizesType sizes[4]; executorch::aten::DimOrderType order[4] = {0, 2, 3, 1}; executorch::aten::StridesType strides[4];
  executorch::aten::TensorImpl impl;
  Tensor tensor;
  explicit As(const Tensor& t) : sizes{(int)t.size(0), (int)t.size(3), (int)t.size(1), (int)t.size(2)},
    strides{(int)(t.size(1)*t.size(2)*t.size(3)), 1, (int)(t.size(2)*t.size(3)), (int)t.size(3)},
    impl(t.scalar_type(), 4, sizes, const_cast<void*>(t.const_data_ptr()), order, strides), tensor(&impl) {}
};
Tensor& quantized_conv2d_nhwc_out(KernelRuntimeContext& c, T x, T w, O b, A s, A p, A d, int64_t io, int64_t oo, T m, T sh, int64_t lo, int64_t hi, T scratch, Tensor& out) {
  As a(x), o(out); quantized_conv2d_out(c, a.tensor, w, b, s, p, d, io, oo, m, sh, lo, hi, scratch, o.tensor); return out; }
Tensor& quantized_depthwise_conv2d_nhwc_out(KernelRuntimeContext& c, T x, T w, O b, A s, A p, A d, int64_t mult, int64_t io, int64_t oo, T m, T sh, int64_t lo, int64_t hi, T scratch, Tensor& out) {
  As a(x), o(out); quantized_depthwise_conv2d_out(c, a.tensor, w, b, s, p, d, mult, io, oo, m, sh, lo, hi, scratch, o.tensor); return out; }
Tensor& quantized_transpose_conv2d_nhwc_out(KernelRuntimeContext& c, T x, T w, O b, A s, A p, A op, A d, int64_t io, int64_t oo, T m, T sh, int64_t lo, int64_t hi, T scratch, T scratch2, Tensor& out) {
  As a(x), o(out); quantized_transpose_conv2d_out(c, a.tensor, w, b, s, p, op, d, io, oo, m, sh, lo, hi, scratch, scratch2, o.tensor); return out; }
Tensor& quantized_avg_pool2d_nhwc_out(KernelRuntimeContext& c, T x, A k, A s, A p, bool ceil, int64_t z, int64_t m, int64_t sh, T scratch, Tensor& out) {
  As a(x), o(out); quantized_avg_pool2d_out(c, a.tensor, k, s, p, ceil, z, m, sh, scratch, o.tensor); return out; }
Tensor& quantized_max_pool2d_nhwc_out(KernelRuntimeContext& c, T x, A k, A s, A p, A d, bool ceil, int64_t z, int64_t oz, int64_t lo, int64_t hi, Tensor& out) {
  As a(x), o(out); quantized_max_pool2d_out(c, a.tensor, k, s, p, d, ceil, z, oz, lo, hi, o.tensor); return out; }
}}
