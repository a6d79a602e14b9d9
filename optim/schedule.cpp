#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "tensor/error.h"
#include "tensor/text.h"

namespace rho::optim {
namespace {

using Factor = std::function<double(std::int64_t epoch)>;

class Formula : public Schedule {
 public:
  explicit Formula(Factor factor) : factor_(std::move(factor)) {}
  double factor(std::int64_t epoch) const override { return factor_(epoch); }

 private:
  Factor factor_;
};

constexpr const char* kExpected =
    "constant, step:EVERY:GAMMA, multistep:E1,E2:GAMMA, or cosine:EPOCHS, with integer epochs >= 1 "
    "and GAMMA > 0";

// The fields after the name, as the numbers that they stand for.
class Fields {
 public:
  explicit Fields(const std::string& text) : text_(text), fields_(split(text, ':')) {}

  const std::string& name() const { return fields_[0]; }
  void expect(std::size_t count) const { require(fields_.size() == count + 1); }
  std::vector<std::int64_t> epochs(std::size_t field) const {
    std::vector<std::int64_t> out;
    for (const std::string& part : split(fields_[field], ',')) {
      out.push_back(parse_number<std::int64_t>(part).value_or(0));
      require(out.back() >= 1);
    }
    return out;
  }
  std::int64_t epoch(std::size_t field) const {
    const std::vector<std::int64_t> all = epochs(field);
    require(all.size() == 1);
    return all[0];
  }
  double gamma(std::size_t field) const {
    const double value = parse_number<double>(fields_[field]).value_or(0.0);
    require(value > 0.0);
    return value;
  }
  void require(bool ok) const { check(ok, "schedule", "\"", text_, "\", expected ", kExpected); }

 private:
  const std::string& text_;
  std::vector<std::string> fields_;
};

Factor constant(const Fields&) {
  return [](std::int64_t) { return 1.0; };
}

Factor step(const Fields& fields) {
  return [every = fields.epoch(1), gamma = fields.gamma(2)](std::int64_t epoch) {
    const std::int64_t drops = epoch / every;
    return std::pow(gamma, static_cast<double>(drops));
  };
}

Factor multistep(const Fields& fields) {
  return [at = fields.epochs(1), gamma = fields.gamma(2)](std::int64_t epoch) {
    return std::pow(
        gamma, std::count_if(at.begin(), at.end(), [=](std::int64_t one) { return one <= epoch; }));
  };
}

Factor cosine(const Fields& fields) {
  return [epochs = fields.epoch(1)](std::int64_t epoch) {
    const double done = static_cast<double>(std::min(epoch, epochs)) / static_cast<double>(epochs);
    return 0.5 * (1.0 + std::cos(std::numbers::pi * done));
  };
}

struct Form {
  const char* name;
  std::size_t fields;
  Factor (*read)(const Fields&);
};
constexpr Form kForms[] = {{"constant", 0, constant},
                           {"step", 2, step},
                           {"multistep", 2, multistep},
                           {"cosine", 1, cosine}};

}  // namespace

std::unique_ptr<Schedule> make_schedule(const std::string& text) {
  const Fields fields(text);
  const Form* const form = std::find_if(std::begin(kForms), std::end(kForms),
                                        [&](const Form& one) { return one.name == fields.name(); });
  fields.require(form != std::end(kForms));
  fields.expect(form->fields);
  return std::make_unique<Formula>(form->read(fields));
}

}  // namespace rho::optim
