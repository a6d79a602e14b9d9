#include "autograd/node.h"

#include <atomic>
#include <utility>

#include "tensor/profile.h"

namespace rho {
namespace {

// What a dying node held is destroyed here, in a loop: by recursion a chain of 100,000 operations
// would overflow the stack.
struct Remains {
  std::vector<std::shared_ptr<Node>> inputs;
  Backward backward;
};

void bury(Remains remains) {
  // A pointer, which is never destroyed: nodes with static lifetime die after a thread's own data.
  thread_local std::vector<Remains>* open = nullptr;
  if (open != nullptr) {
    open->push_back(std::move(remains));
    return;
  }
  std::vector<Remains> graveyard;
  graveyard.push_back(std::move(remains));
  open = &graveyard;
  while (!graveyard.empty()) {
    // Moved out first: destroying it may push to the graveyard.
    const Remains next = std::move(graveyard.back());
    graveyard.pop_back();
  }
  open = nullptr;
}

}  // namespace

Node::Node(std::string_view op, std::vector<std::shared_ptr<Node>> inputs, Backward backward)
    : op_(op), inputs_(std::move(inputs)), backward_(std::move(backward)) {
  static std::atomic<std::uint64_t> counter{0};
  order_ = ++counter;
  if (const Profile* const profile = Profile::current()) layer_ = profile->layer();
}

Node::~Node() {
  if (backward_ || !inputs_.empty()) release();
}

void Node::release() { bury({std::exchange(inputs_, {}), std::exchange(backward_, nullptr)}); }

}  // namespace rho
