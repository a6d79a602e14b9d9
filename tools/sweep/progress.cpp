#include "tools/sweep/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace rho::sweep {
namespace {

constexpr auto kBetweenDraws = std::chrono::milliseconds(200);

// What most want to know of a finished run; empty where it is not a training.
std::string numbers_of(const Folder& folder, const Run& run) {
  std::ifstream in(folder.of(run) + "/row.json");
  const Row row = Row::parse(in, nullptr, false);
  if (!row.is_object() || !row.contains("test_error")) return "";
  const auto number = [&](const char* key) {
    return row.at(key).is_number() ? row.at(key).get<double>() : 0.0;
  };
  char text[128];
  std::snprintf(text, sizeof text,
                ": epoch %.0f, train loss %.4g, error %.2f %%, test error %.2f %%", number("epoch"),
                number("train_loss"), 100 * number("train_error"), 100 * number("test_error"));
  return text;
}

}  // namespace

std::string duration_text(double seconds) {
  const long long whole = std::llround(std::max(0.0, seconds));
  if (whole < 90) return std::to_string(whole) + " s";
  const long long minutes = (whole + 30) / 60;
  if (minutes < 90) return std::to_string(minutes) + " min";
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

Progress::Progress(const Folder& folder, bool bar)
    : folder_(folder), before_(count()), bar_(bar && isatty(STDOUT_FILENO) == 1) {}

Progress::Counts Progress::count() const {
  Counts counts;
  for (const Run& run : folder_.runs()) {
    const Folder::State state = folder_.state(run);
    counts.done += state == Folder::State::Done ? 1 : 0;
    counts.failed += state == Folder::State::Failed ? 1 : 0;
  }
  return counts;
}

void Progress::ended(const Run& run) {
  const bool failed = folder_.state(run) == Folder::State::Failed;
  const Counts now = count();
  wipe();
  std::printf("[%zu/%zu] %s%s\n", now.done + now.failed, folder_.runs().size(), run.name.c_str(),
              (failed ? " FAILED: " + folder_.error(run) : numbers_of(folder_, run)).c_str());
  std::fflush(stdout);
}

bool Progress::due() const { return bar_ && Clock::now() >= last_draw_ + kBetweenDraws; }

void Progress::draw(std::size_t running, double fraction) {
  last_draw_ = Clock::now();
  const Counts now = count();
  wipe();
  std::printf("%zu of %zu runs done, %zu running, %zu failed%s", now.done, folder_.runs().size(),
              running, now.failed, time_left(now, fraction).c_str());
  std::fflush(stdout);
  drawn_ = true;
}

std::string Progress::time_left(const Counts& now, double fraction) const {
  const double done = static_cast<double>(now.done - before_.done) + fraction;
  const double all = static_cast<double>(folder_.runs().size() - before_.done - now.failed);
  if (done < 0.02) return "";
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  return ", " + duration_text(seconds * (all - done) / done) + " left";
}

void Progress::wipe() {
  if (drawn_) std::printf("\r\033[K");
  drawn_ = false;
}

}  // namespace rho::sweep
