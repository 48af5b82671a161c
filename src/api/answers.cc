#include "api/answers.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <thread>

#include "api/problem.h"
#include "cli/frames.h"
#include "cli/output.h"
#include "cli/presenter.h"

namespace weir::api {
namespace {

using text::Json;

owner::Request request(const std::string& verb, Json args) {
  return {WEIR_VERSION, verb, std::move(args)};
}

/// An answer that begins with its first byte, so that what fails before it is a problem.
class BodyOutput final : public cli::Output {
 public:
  BodyOutput(http::Reply reply, std::string content_type)
      : reply_(std::move(reply)), content_type_(std::move(content_type)) {}

  bool write(std::string_view text) override {
    buffer_ += text;
    constexpr size_t piece = 32 * 1024;
    return buffer_.size() < piece || flush();
  }
  bool flush() override {
    if (buffer_.empty()) return true;
    if (!body_) body_ = reply_.stream({200, {{"content-type", content_type_}}, {}});
    const bool read = body_->write(buffer_);
    buffer_.clear();
    return read;
  }
  bool is_terminal() const override { return false; }
  size_t width() const override { return 0; }

  void finish(const Result<void>& result) {
    if (result && !body_) {  // short: with a length
      reply_.send({200, {{"content-type", content_type_}}, std::move(buffer_)});
    } else if (result) {
      flush();
      body_->finish();
    } else if (!body_) {
      reply_.send(problem(result.error()));
    }  // else: the client sees that the body broke off
  }

 private:
  http::Reply reply_;
  const std::string content_type_;
  std::string buffer_;
  std::unique_ptr<http::BodyWriter> body_;
};

/// Keeps the frames of one kind, the first of them; `enough`: and wants no more.
class FirstFrame final : public owner::FrameSink {
 public:
  explicit FirstFrame(std::string kind) : kind_(std::move(kind)) {}
  bool send(const Json& frame) override {
    if (frame_.is_null() && frame["frame"].as_string() == kind_) frame_ = frame;
    return frame_.is_null();
  }
  const Json& frame() const { return frame_; }

 private:
  const std::string kind_;
  Json frame_;
};

/// A run's log lines as events.
class Events final : public owner::FrameSink {
 public:
  explicit Events(http::BodyWriter& body) : body_(body) {}

  bool send(const Json& frame) override {
    const std::string& kind = frame["frame"].as_string();
    if (kind == "columns") columns_ = cli::columns_of(frame);
    if (kind == "cursor") {
      cursor_ = frame["cursor"];
      ended_ = frame["ended"].as_bool();
    }
    if (kind != "rows") return true;
    for (const auto& row : cli::rows_of(frame)) {
      Json line = Json::object();
      for (size_t i = 0; i < columns_.size() && i < row.size(); ++i) {
        line.set(columns_[i].name, row[i] ? Json(*row[i]) : Json());
      }
      if (!body_.write("data: " + line.to_string() + "\n\n")) return false;
    }
    return true;
  }
  const Json& cursor() const { return cursor_; }
  bool ended() const { return ended_; }

 private:
  http::BodyWriter& body_;
  std::vector<cli::ResultColumn> columns_;
  Json cursor_;
  bool ended_ = false;
};

bool wants_csv(const std::string* accept) {
  return accept != nullptr && accept->starts_with("text/csv");
}

}  // namespace

void OwnerAnswers::rows(const std::string& verb, Json args, const std::string* accept,
                        http::Reply reply) const {
  const bool csv = wants_csv(accept);
  BodyOutput output(std::move(reply), csv ? "text/csv; charset=utf-8" : "application/json");
  const auto presenter =
      cli::make_rows_presenter(csv ? cli::OutputFormat::csv : cli::OutputFormat::json, output, {});
  const auto result = ask(request(verb, std::move(args)), *presenter);
  if (result) presenter->finish(result);
  output.finish(result);
}

void OwnerAnswers::receipt(const std::string& run, http::Reply reply) const {
  FirstFrame receipt("receipt");
  const auto result = ask(request("runs", Json::object().set("run", run)), receipt);
  if (!receipt.frame().is_null()) {
    return reply.send({200,
                       {{"content-type", "application/json"}},
                       receipt.frame()["receipt"].to_string() + "\n"});
  }
  // A run that is not there is the verb's usage; of an address it is what is not found.
  reply.send(!result && result.error().code == ErrorCode::usage
                 ? problem(ProblemCode::not_found, result.error().message)
                 : problem(result ? Error{} : result.error()));
}

void OwnerAnswers::start(const std::string& verb, Json args, http::Reply reply) const {
  FirstFrame accepted("accepted");
  const auto result = ask(request(verb, std::move(args)), accepted);
  if (accepted.frame().is_null()) {
    return reply.send(problem(result ? Error{} : result.error()));
  }
  const Json& runs = accepted.frame()["runs"];
  http::Response response{202,
                          {{"content-type", "application/json"}},
                          Json::object().set("runs", runs).to_string() + "\n"};
  if (runs.as_array().size() == 1) {
    response.headers.push_back({"location", "/api/runs/" + runs.as_array().front().as_string()});
  }
  reply.send(std::move(response));
}

void OwnerAnswers::follow_log(Json args, http::Reply reply) const {
  constexpr std::chrono::milliseconds pause{250};
  constexpr int pauses_per_comment = 40;  // which shows a proxy, and us, that somebody is there
  FirstFrame known("cursor");
  const auto first = ask(request("logs", args), known);
  if (!first) return reply.send(problem(first.error()));
  const auto body = reply.stream({200, {{"content-type", "text/event-stream"}}, {}});
  for (int rounds = 0; !body->gone(); ++rounds) {
    Events events(*body);
    if (!ask(request("logs", args), events)) return;
    if (events.ended()) {
      body->write("event: end\ndata: {}\n\n");
      return body->finish();
    }
    args.set("cursor", events.cursor());
    if (rounds % pauses_per_comment == 0) body->write(": here\n\n");
    std::this_thread::sleep_for(pause);
  }
}

Result<Json> run_arguments(const std::string& pipeline, const std::string& body) {
  Json asked = Json::object();
  if (!body.empty()) asked = WEIR_TRY(Json::parse(body));
  if (!asked.is_object()) {
    return fail(
        ErrorCode::invalid_input, "the body is no object",
        R"(send {"objects": ["bucket/key"], "force": false}, {"from": …, "to": …} or nothing)");
  }
  Json args = Json::object().set("pipeline", pipeline).set("objects", Json::array());
  for (const auto& [name, value] : asked.as_object()) {
    const bool text = (name == "from" || name == "to") && value.is_string();
    const bool list = name == "objects" && value.is_array();
    if (!text && !list && !(name == "force" && value.is_bool())) {
      return fail(ErrorCode::invalid_input, "'" + name + "' is not known, or not of its type",
                  "there are objects (a list), force (true or false), from and to (texts)");
    }
    args.set(name, value);
  }
  return args;
}

Result<Json> listing_arguments(const Parameters& parameters,
                               const std::vector<std::string_view>& texts) {
  Json args = Json::object();
  for (const std::string_view name : texts) {
    if (const std::string* value = parameters.find(name)) args.set(std::string(name), *value);
  }
  if (const std::string* limit = parameters.find("limit")) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), number);
    if (error != std::errc() || end != limit->data() + limit->size() || number < 1 ||
        number > 1'000'000) {
      return fail(ErrorCode::usage, "limit is a number from 1 to 1000000, not '" + *limit + "'");
    }
    args.set("limit", number);
  } else {
    args.set("limit", 50);
  }
  return args;
}

}  // namespace weir::api
