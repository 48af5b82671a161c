#include "owner/protocol.h"

#include <fmt/core.h>

#include "text/receipt_json.h"

namespace weir::owner {

std::string Identity::to_string() const { return fmt::format("weir {}, pid {}", verb, pid); }

std::string to_line(const Request& request) {
  text::Json json = text::Json::object();
  json.set("weir", request.version).set("verb", request.verb).set("args", request.args);
  return json.to_string() + "\n";
}

Result<Request> parse_request(std::string_view line) {
  const text::Json json = WEIR_TRY(text::Json::parse(line));
  if (!json["weir"].is_string() || !json["verb"].is_string()) {
    return fail(ErrorCode::invalid_input, "a request needs the texts \"weir\" and \"verb\"");
  }
  const text::Json& args = json["args"];
  if (!args.is_null() && !args.is_object()) {
    return fail(ErrorCode::invalid_input, "\"args\" of a request must be an object");
  }
  return Request{json["weir"].as_string(), json["verb"].as_string(), args};
}

text::Json to_json(const Identity& identity) {
  text::Json json = text::Json::object();
  json.set("pid", static_cast<int64_t>(identity.pid));
  json.set("verb", identity.verb);
  json.set("weir", identity.version);
  return json;
}

Result<Identity> identity_from_json(const text::Json& json) {
  if (!json["pid"].is_int() || !json["verb"].is_string() || !json["weir"].is_string()) {
    return fail(ErrorCode::invalid_input, "the owner does not say who it is");
  }
  return Identity{static_cast<pid_t>(json["pid"].as_int()), json["verb"].as_string(),
                  json["weir"].as_string()};
}

text::Json hello_frame(const Identity& owner) {
  text::Json frame = text::Json::object();
  frame.set("frame", "hello").set("owner", to_json(owner));
  return frame;
}

text::Json end_frame() {
  text::Json frame = text::Json::object();
  frame.set("frame", "end");
  return frame;
}

text::Json error_frame(const Error& error) {
  text::Json frame = text::Json::object();
  frame.set("frame", "error").set("error", text::to_json(error));
  return frame;
}

Result<void> check_versions(std::string_view client, const Identity& owner) {
  if (client == owner.version) return {};
  return fail(ErrorCode::unavailable,
              fmt::format("this is weir {}, but weir {} holds the project ({})", client,
                          owner.version, owner.to_string()),
              "use the same version, or stop the other one");
}

}  // namespace weir::owner
