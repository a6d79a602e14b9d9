#include "bench/peers/pytorch.h"

#include <fcntl.h>

#include <algorithm>
#include <boost/process/child.hpp>
#include <boost/process/io.hpp>
#include <boost/process/pipe.hpp>
#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "nn/safetensors.h"
#include "nn/temporary_folder.h"

namespace rho::bench {
namespace {

using nlohmann::json;

std::string text_of(Device device) {
  std::ostringstream out;
  out << device;
  return out.str();
}

}  // namespace

class PyTorchProcess {
 public:
  PyTorchProcess(const std::string& python, Device device, int patience)
      : python_(python), patience_(std::to_string(patience)) {
    // Else to write to a process that has ended would end this one.
    std::signal(SIGPIPE, SIG_IGN);
    try {
      // The child must not hold the other ends of its streams open.
      ::fcntl(in_.pipe().native_sink(), F_SETFD, FD_CLOEXEC);
      ::fcntl(out_.pipe().native_source(), F_SETFD, FD_CLOEXEC);
      // env looks up the path.
      child_ = boost::process::child("/usr/bin/env", python, RHO_PYTORCH_PEER, text_of(device),
                                     patience_,
                                     boost::process::std_in<in_, boost::process::std_out> out_);
      const json said = answer();
      if (said.contains("absent")) {
        absence_ = said["absent"];
        return;
      }
      version_ = said.at("version");
      modes_ = said.at("modes");
    } catch (const std::exception& error) {
      if (absence_.empty()) absence_ = error.what();
    }
  }

  /// Throws where there is no answer, or an error.
  json ask(const json& request) {
    check(absence_.empty(), "pytorch", absence_);
    in_ << request << std::endl;
    json said = answer();
    if (said.contains("error")) fail("pytorch", said["error"].get<std::string>());
    return said;
  }

  /// What make and peak are told: the network and its training are in files until they answer.
  json making(const std::string& name, nn::Module& model, const Training& training,
              const TorchSettings& settings) const {
    const std::string state = folder_.file("state"), batch = folder_.file("batch");
    nn::write_safetensors(state, {{}, nn::export_state(model)});
    nn::write_safetensors(batch, {{}, {{"x", training.x}, {"labels", training.labels}}});
    return {{"network", name},
            {"state", state},
            {"batch", batch},
            {"mode", settings.mode},
            {"precision", kernels::name_of(settings.precision)},
            {"threads", settings.threads},
            {"lr", training.lr},
            {"momentum", training.momentum}};
  }

  const nn::TemporaryFolder& folder() const { return folder_; }
  const std::string& absence() const { return absence_; }
  const std::string& version() const { return version_; }
  /// Each with the reason why it does not work, empty where it does.
  const std::vector<std::pair<std::string, std::string>>& modes() const { return modes_; }

 private:
  json answer() {
    std::string line;
    if (std::getline(out_, line)) return json::parse(line);
    child_.wait();
    const int status = child_.native_exit_code();
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
      absence_ = python_ + " gave no answer in " + patience_ + " s";
    else if (WIFSIGNALED(status))
      absence_ = python_ + " was ended by signal " + std::to_string(WTERMSIG(status));
    else if (WEXITSTATUS(status) == 127)
      absence_ = "there is no " + python_;
    else
      absence_ = python_ + " ended with exit code " + std::to_string(WEXITSTATUS(status));
    fail("pytorch", absence_);
  }

  std::string python_, patience_;
  nn::TemporaryFolder folder_{"pytorch"};  // where tensors are handed over
  boost::process::opstream in_;
  boost::process::ipstream out_;
  boost::process::child child_;  // ended with this
  std::string absence_, version_;
  std::vector<std::pair<std::string, std::string>> modes_;
};

namespace {

class Remote : public PyTorchNetwork {
 public:
  Remote(PyTorchProcess& process, const json& making, std::vector<std::string> names)
      : process_(process), names_(std::move(names)) {
    json request = making;
    request["do"] = "make";
    id_ = process_.ask(request).at("id");
  }
  ~Remote() override {
    try {
      ask("drop");
    } catch (const std::exception&) {
      // It ended, and the network with it.
    }
  }
  Remote(const Remote&) = delete;
  Remote& operator=(const Remote&) = delete;

  double backward() override { return ask("backward").at("loss"); }
  double step() override { return ask("step").at("loss"); }
  Tensor evaluate() override { return tensors("evaluate").front().second; }
  nn::NamedTensors gradients() const override {
    const nn::NamedTensors found = tensors("gradients");
    nn::NamedTensors out;
    out.reserve(names_.size());
    for (const std::string& name : names_) {
      const auto of = [&](const auto& entry) { return entry.first == name; };
      const auto at = std::find_if(found.begin(), found.end(), of);
      check(at != found.end(), "pytorch", "no gradient of ", name);
      out.push_back(*at);
    }
    return out;
  }
  double seconds(Task task, int calls) override {
    return ask("time", {{"task", task == Task::Step ? "step" : "evaluation"}, {"calls", calls}})
        .at("seconds");
  }

 private:
  json ask(const std::string& what, json request = json::object()) const {
    request["do"] = what;
    request["id"] = id_;
    return process_.ask(request);
  }
  nn::NamedTensors tensors(const std::string& what) const {
    const std::string file = process_.folder().file("answer");
    ask(what, {{"file", file}});
    return nn::read_safetensors(file).tensors;
  }

  PyTorchProcess& process_;
  std::vector<std::string> names_;  // of the parameters
  int id_ = 0;
};

}  // namespace

PyTorch::PyTorch(const std::string& python, Device device, int patience)
    : process_(std::make_unique<PyTorchProcess>(python, device, patience)) {}
PyTorch::~PyTorch() = default;

const std::string& PyTorch::absence() const { return process_->absence(); }

std::string PyTorch::description() const {
  if (!absence().empty()) return "absent: " + absence();
  std::string works, fails;
  for (const auto& [mode, reason] : process_->modes()) {
    if (reason.empty())
      works += (works.empty() ? "" : " | ") + mode;
    else
      fails += ", without " + mode + ": " + reason;
  }
  return process_->version() + " (" + works + fails + ")";
}

std::vector<std::string> PyTorch::modes() const {
  std::vector<std::string> out;
  if (!absence().empty()) return out;
  for (const auto& [mode, reason] : process_->modes())
    if (reason.empty()) out.push_back(mode);
  return out;
}

std::unique_ptr<PyTorchNetwork> PyTorch::network(const std::string& name, nn::Module& model,
                                                 const Training& training,
                                                 const TorchSettings& settings) {
  std::vector<std::string> names;
  for (const nn::NamedParameter& parameter : model.parameters()) names.push_back(parameter.name);
  return std::make_unique<Remote>(*process_, process_->making(name, model, training, settings),
                                  std::move(names));
}

double PyTorch::peak_bytes(const std::string& name, nn::Module& model, const Training& training,
                           const TorchSettings& settings) {
  json request = process_->making(name, model, training, settings);
  request["do"] = "peak";
  return process_->ask(request).at("bytes");
}

}  // namespace rho::bench
