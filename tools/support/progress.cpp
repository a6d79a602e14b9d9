#include "tools/support/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <string>

#include "tools/support/console.h"

namespace rho::tools {
namespace {

constexpr int kBarWidth = 24;
constexpr std::chrono::milliseconds kRedraw{100};

std::string clock_text(double seconds) {
  const auto total = std::lround(seconds);
  char text[32];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", total / 60, total % 60);
  }
  return text;
}

}  // namespace

Progress::Progress(std::int64_t examples, std::int64_t done, std::int64_t epochs)
    : examples_(examples),
      first_(done),
      done_(done),
      epochs_(epochs),
      terminal_(::isatty(::fileno(console().err)) == 1) {}

Progress::~Progress() { wipe(); }

void Progress::step(std::int64_t seen, double loss, double img_per_s) {
  const Clock::time_point now = Clock::now();
  if (!terminal_ || now - last_draw_ < kRedraw) return;
  last_draw_ = now;
  drawn_ = true;
  const double part = static_cast<double>(seen) / static_cast<double>(examples_);
  // Of the whole run, from this process's own speed, evaluations included.
  const double ran = static_cast<double>(done_ - first_) + part;
  const double left = static_cast<double>(epochs_ - done_) - part;
  const double eta = std::chrono::duration<double>(now - start_).count() * left / ran;
  const int filled = static_cast<int>(part * kBarWidth);
  const std::string bar = std::string(static_cast<std::size_t>(filled), '=') +
                          std::string(static_cast<std::size_t>(kBarWidth - filled), ' ');
  std::fprintf(console().err, "\r\033[Kepoch %lld/%lld [%s] %3.0f%%  loss %.4f  %.0f img/s  ETA %s",
               static_cast<long long>(done_ + 1), static_cast<long long>(epochs_), bar.c_str(),
               100 * part, loss, img_per_s, clock_text(eta).c_str());
  std::fflush(console().err);
}

void Progress::epoch(const EpochRecord& record) {
  wipe();
  done_ = record.epoch;
  std::fprintf(
      console().out,
      "epoch %lld/%lld  lr %.4g  train: loss %.4f error %.2f%%  test: loss %.4f error %.2f%%  "
      "log rho %.3f  %.0f img/s  %.1f s\n",
      static_cast<long long>(record.epoch), static_cast<long long>(epochs_), record.lr,
      record.train_loss, 100 * record.train_error, record.test_loss, 100 * record.test_error,
      record.log_rho, record.img_per_s, record.seconds);
  std::fflush(console().out);
}

void Progress::print(const std::string& lines) {
  wipe();
  std::fputs(lines.c_str(), console().out);
  std::fflush(console().out);
}

void Progress::wipe() {
  if (!drawn_) return;
  std::fputs("\r\033[K", console().err);
  std::fflush(console().err);
  drawn_ = false;
}

}  // namespace rho::tools
