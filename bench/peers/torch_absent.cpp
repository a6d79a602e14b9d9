#include "bench/peers/torch.h"

namespace rho::bench {

std::string torch_version() { return {}; }
void set_torch_threads(int) {}
std::unique_ptr<TorchNetwork> torch_network(nn::Module&, const Training&, bool) { return nullptr; }
double torch_peak_bytes(nn::Module&, const Training&, bool) { return 0.0; }

}  // namespace rho::bench
