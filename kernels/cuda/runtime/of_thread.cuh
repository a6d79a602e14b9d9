// What every host thread has for itself and leaves to a later one: the caches that belong to it
// stay in use when threads come and go.
#pragma once

#include <mutex>
#include <vector>

namespace rho::kernels::cuda {

/// This thread's T. There are as many as there were threads at one time; none is ever destroyed.
template <class T>
T& of_thread() {
  struct Idle {
    std::mutex mutex;
    std::vector<T*> objects;
  };
  static auto* const idle = new Idle;
  struct Hold {
    T* object = nullptr;
    Hold() {
      const std::scoped_lock lock(idle->mutex);
      if (idle->objects.empty()) {
        object = new T;
        return;
      }
      object = idle->objects.back();
      idle->objects.pop_back();
    }
    ~Hold() {
      const std::scoped_lock lock(idle->mutex);
      idle->objects.push_back(object);
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
  };
  // The pointer stays readable for what is destroyed after Hold, at the end of the program.
  thread_local T* found = nullptr;
  if (found == nullptr) {
    thread_local const Hold hold;
    found = hold.object;
  }
  return *found;
}

}  // namespace rho::kernels::cuda
