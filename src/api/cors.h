#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace weir::api {

/// Which web pages of other origins may ask (https://fetch.spec.whatwg.org/#http-cors-protocol).
/// Without origins nothing is said to any page, so that browsers let none ask. Credentials
/// (cookies, client certificates) are never allowed: a key is sent in a header, by whoever has it.
class Cors {
 public:
  /// `origins` as browsers send them, or "*" for all. They must outlive it.
  explicit Cors(const std::vector<std::string>& origins) : origins_(origins) {}

  /// The answer to a page's question whether it may ask an address that takes `methods`: 204, or a
  /// problem for pages of other origins. None when the request is no such question, or pages are
  /// not spoken to.
  std::optional<http::Response> preflight(const http::RequestHead& head,
                                          std::string_view methods) const;
  /// Adds what lets a page of `origin` (null: the request was sent by none) read the answer.
  void allow(const std::string* origin, http::Response& response) const;

 private:
  /// What Access-Control-Allow-Origin says to pages of this origin; empty: nothing.
  std::string allowed(const std::string& origin) const;

  const std::vector<std::string>& origins_;
};

}  // namespace weir::api
