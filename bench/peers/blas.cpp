#include "bench/peers/blas.h"

#include <dlfcn.h>

namespace rho::bench {
namespace {

// From cblas.h.
constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;

struct Operand {
  int transpose;
  int stride;  ///< of the rows in memory
};

Operand operand(const Tensor& x) {
  if (x.is_contiguous()) return {kPlain, static_cast<int>(x.size(1))};
  check(x.transpose(0, 1).is_contiguous(), "blas", "strides ", x.strides(), " of ", x.shape());
  return {kTransposed, static_cast<int>(x.size(0))};
}

}  // namespace

Blas::Blas(std::string name, const std::string& path)
    : name_(std::move(name)),
      library_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)) {
  check(library_ != nullptr, "blas", path, " does not load");
  if (name_ == "blis") find<void()>("bli_init")();  // before it is asked anything
  sgemm_ = find<Gemm<float>>("cblas_sgemm");
  dgemm_ = find<Gemm<double>>("cblas_dgemm");
}

template <class Function>
Function* Blas::find(const char* symbol) const {
  void* const found = dlsym(library_, symbol);
  check(found != nullptr, "blas", name_, " has no ", symbol);
  return reinterpret_cast<Function*>(found);
}

std::string Blas::version() const {
  if (name_ == "openblas") return find<const char*()>("openblas_get_config")();
  return std::string("BLIS ") + find<const char*()>("bli_info_get_version_str")() + " " +
         find<const char*(int)>("bli_arch_string")(find<int()>("bli_arch_query_id")());
}

void Blas::set_threads(int count) const {
  if (name_ == "openblas")
    find<void(int)>("openblas_set_num_threads")(count);
  else
    find<void(std::int64_t)>("bli_thread_set_num_threads")(count);
}

void Blas::matmul(const Tensor& a, const Tensor& b, const Tensor& out) const {
  const Operand left = operand(a), right = operand(b);
  const auto m = static_cast<int>(a.size(0)), k = static_cast<int>(a.size(1)),
             n = static_cast<int>(b.size(1));
  if (out.dtype() == DType::Float32)
    sgemm_(kRowMajor, left.transpose, right.transpose, m, n, k, 1.0F, a.data<float>(), left.stride,
           b.data<float>(), right.stride, 0.0F, out.data<float>(), n);
  else
    dgemm_(kRowMajor, left.transpose, right.transpose, m, n, k, 1.0, a.data<double>(), left.stride,
           b.data<double>(), right.stride, 0.0, out.data<double>(), n);
}

const std::vector<Blas>& blas_libraries() {
  static const std::vector<Blas> all{
#ifdef RHO_OPENBLAS
      {"openblas", RHO_OPENBLAS},
#endif
#ifdef RHO_BLIS
      {"blis", RHO_BLIS},
#endif
  };
  return all;
}

}  // namespace rho::bench
