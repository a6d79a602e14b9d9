// What the parts of the emulator share.
#pragma once

#include <cstddef>
#include <functional>

namespace rho::cuda_emulator {

/// Ends the program: a kernel did what no device lets pass.
[[noreturn]] void stop(const char* what);

/// The calling thread's number in its block.
unsigned thread_number();
/// Lets others run until holds().
void wait_until(std::function<bool()> holds);

/// The dynamic shared memory of the blocks that this host thread runs from now on.
void set_dynamic_shared_memory(std::size_t bytes);
/// Before a block runs, and when its threads are done: then nothing may be under way any more.
void begin_asynchronous();
void end_asynchronous();

}  // namespace rho::cuda_emulator
