#include "datasets/loader.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "datasets/augment.h"
#include "tensor/random.h"

namespace rho::datasets {
namespace {

constexpr std::size_t kAhead = 4;  // batches that wait at most

// Independent random numbers for each use of the seed.
enum Stream : std::uint64_t { kOrder, kAugmentation };

// The random numbers of one use in one epoch, or of one of its examples.
Rng rng_of(std::uint64_t seed, Stream use, std::int64_t epoch, std::int64_t example = 0) {
  const std::uint64_t key = Rng(seed, use).next();
  return Rng(Rng(key, static_cast<std::uint64_t>(epoch)).next(),
             static_cast<std::uint64_t>(example));
}

// Raw values to network input. Bytes go through a table: 256 values a channel.
template <class T>
class Standardizer {
 public:
  Standardizer(const Standardization& by, bool bytes) : by_(by) {
    if (!bytes) return;
    for (int value = 0; value < 256; ++value)
      for (std::size_t c = 0; c < by.mean.size(); ++c) table_.push_back(exact(value, c));
  }
  T operator()(std::uint8_t value, std::size_t channel) const {
    return table_[value * by_.mean.size() + channel];
  }
  T operator()(double value, std::size_t channel) const { return exact(value, channel); }

 private:
  T exact(double value, std::size_t channel) const {
    return static_cast<T>((value / by_.divisor - by_.mean[channel]) / by_.std[channel]);
  }

  Standardization by_;
  std::vector<T> table_;
};

template <class Raw, class T>
void copy_plain(const Raw* source, std::int64_t count, std::size_t channels,
                const Standardizer<T>& standardize, T* target) {
  std::size_t channel = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    target[i] = standardize(source[i], channel);
    if (++channel == channels) channel = 0;
  }
}

template <class T>
void copy_augmented(const std::uint8_t* image, const Shape& shape, const CropFlip& augment,
                    const Standardizer<T>& standardize, T* target) {
  const std::int64_t height = shape[1], width = shape[2], channels = shape[3];
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int64_t from_y = y + augment.dy;
      const std::int64_t from_x = (augment.flip ? width - 1 - x : x) + augment.dx;
      const bool inside = from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
      const std::uint8_t* const pixel = image + (from_y * width + from_x) * channels;
      for (std::int64_t c = 0; c < channels; ++c)
        *target++ = standardize(inside ? pixel[c] : std::uint8_t{0}, static_cast<std::size_t>(c));
    }
}

}  // namespace

struct Loader::State {
  State(const Dataset& source, Standardization by, LoaderOptions with)
      : dataset(source), standardization(std::move(by)), options(with) {
    const std::string& name = dataset.name;
    const DType raw = dataset.examples.dtype();
    check(dataset.size() > 0, "loader", name, " has no examples");
    check(dataset.examples.is_contiguous() && dataset.labels.is_contiguous(), "loader", name,
          " is not contiguous");
    check(raw == DType::UInt8 || raw == DType::Float64, "loader", name, " holds ", raw,
          ", expected uint8 or float64");
    check(options.batch >= 1, "loader", "batch is ", options.batch, ", expected at least 1");
    check(!options.augment || (raw == DType::UInt8 && dataset.examples.rank() == 4), "loader",
          "augmentation (pad, crop, flip) needs images, and ", name, " holds ", raw, " ",
          dataset.examples.shape());
    const auto channels = static_cast<std::size_t>(dataset.examples.size(-1));
    check(standardization.mean.size() == channels && standardization.std.size() == channels,
          "loader", "the standardization has ", standardization.mean.size(), " means and ",
          standardization.std.size(), " standard deviations, expected ", channels, " as ", name,
          " has channels");
    for (const double std : standardization.std)
      check(std > 0.0, "loader", "a standard deviation is ", std, ", expected > 0");
  }
  ~State() { stop(); }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      cancelled = true;
    }
    changed.notify_all();
    if (worker.joinable()) worker.join();
  }

  // The worker: prepares one batch after the other, and waits while enough of them are ready.
  void produce(std::int64_t epoch) {
    try {
      dispatch_floating(options.dtype, "loader", [&]<class T>() {
        const bool bytes = dataset.examples.dtype() == DType::UInt8;
        const Standardizer<T> standardize(standardization, bytes);
        const std::vector<std::int64_t> order = order_of(epoch);
        for (std::int64_t first = 0; first < dataset.size(); first += options.batch) {
          const std::int64_t count = std::min(options.batch, dataset.size() - first);
          const std::span<const std::int64_t> indices(order.data() + first,
                                                      static_cast<std::size_t>(count));
          Batch batch = bytes ? make<std::uint8_t, T>(epoch, indices, standardize)
                              : make<double, T>(epoch, indices, standardize);
          std::unique_lock lock(mutex);
          changed.wait(lock, [&] { return cancelled || ready.size() < kAhead; });
          if (cancelled) return;
          ready.push_back(std::move(batch));
          changed.notify_all();
        }
      });
    } catch (...) {
      const std::lock_guard lock(mutex);
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    finished = true;
    changed.notify_all();
  }

  std::vector<std::int64_t> order_of(std::int64_t epoch) const {
    std::vector<std::int64_t> order(static_cast<std::size_t>(dataset.size()));
    std::iota(order.begin(), order.end(), 0);
    if (!options.shuffle) return order;
    Rng rng = rng_of(options.seed, kOrder, epoch);
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1],
                order[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(i)))]);
    return order;
  }

  template <class Raw, class T>
  Batch make(std::int64_t epoch, std::span<const std::int64_t> indices,
             const Standardizer<T>& standardize) const {
    Shape shape = dataset.examples.shape();
    const std::int64_t row = dataset.examples.numel() / shape[0];
    shape[0] = static_cast<std::int64_t>(indices.size());
    const Batch batch{Tensor::staging(shape, options.dtype, options.device),
                      Tensor::staging({shape[0]}, DType::Int64, options.device)};
    T* target = batch.inputs.data<T>();
    std::int64_t* label = batch.labels.data<std::int64_t>();
    for (const std::int64_t index : indices) {
      const Raw* const source = dataset.examples.data<Raw>() + index * row;
      if constexpr (std::is_same_v<Raw, std::uint8_t>) {
        if (options.augment) {
          Rng rng = rng_of(options.seed, kAugmentation, epoch, index);
          copy_augmented(source, shape, draw_crop_flip(rng), standardize, target);
        } else {
          copy_plain(source, row, standardization.mean.size(), standardize, target);
        }
      } else {
        copy_plain(source, row, standardization.mean.size(), standardize, target);
      }
      target += row;
      *label++ = dataset.labels.data<std::int64_t>()[index];
    }
    return {batch.inputs.to(options.device), batch.labels.to(options.device)};
  }

  const Dataset dataset;
  const Standardization standardization;
  const LoaderOptions options;

  std::thread worker;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Batch> ready;
  std::exception_ptr error;
  bool cancelled = false;
  bool finished = true;
};

Loader::Loader(const Dataset& dataset, Standardization standardization, LoaderOptions options)
    : state_(std::make_unique<State>(dataset, std::move(standardization), options)) {}
Loader::~Loader() = default;

void Loader::start(std::int64_t epoch) {
  State& state = *state_;
  state.stop();
  state.ready.clear();
  state.error = nullptr;
  state.cancelled = false;
  state.finished = false;
  state.worker = std::thread([&state, epoch] { state.produce(epoch); });
}

std::optional<Batch> Loader::next() {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  state.changed.wait(lock, [&] { return !state.ready.empty() || state.finished; });
  if (!state.ready.empty()) {
    Batch batch = std::move(state.ready.front());
    state.ready.pop_front();
    state.changed.notify_all();
    return batch;
  }
  if (state.error) std::rethrow_exception(state.error);
  return std::nullopt;
}

std::int64_t Loader::batches() const {
  const std::int64_t batch = state_->options.batch;
  return (state_->dataset.size() + batch - 1) / batch;
}

}  // namespace rho::datasets
