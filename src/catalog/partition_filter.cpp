#include "catalog/partition_filter.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <optional>

#include "catalog/catalog.h"

namespace mekong::catalog {

enum class Kind { text, number };

// A tree of AND, OR, NOT over tests of one column.
struct PartitionFilter::Node {
  enum class Op { both, either, negate, eq, ne, lt, le, gt, ge, like, is_null };
  Op op = Op::eq;
  std::unique_ptr<Node> left, right;
  size_t column = 0;
  Kind kind = Kind::text;
  FilterDialect dialect = FilterDialect::glue;
  std::string literal;
};

namespace {

using Node = PartitionFilter::Node;
using NodePtr = std::unique_ptr<Node>;
using Op = Node::Op;

constexpr int depth_max = 200;

Error bad(const std::string& message) {
  return {"InvalidInputException", "Invalid expression: " + message};
}

struct Token {
  enum class Type { word, text, symbol, end };
  Type type = Type::end;
  std::string value;
};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' || c == '+' ||
         (c & 0x80) != 0;
}

// A quoted text from text[at]; quotes inside are doubled or escaped by a backslash.
Result<Token> quoted(std::string_view text, size_t& at) {
  const char quote = text[at++];
  Token token{quote == '`' ? Token::Type::word : Token::Type::text, ""};
  while (at < text.size()) {
    if (text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == quote || text[at + 1] == '\\')) {
      ++at;
    } else if (text[at] == quote) {
      ++at;
      if (at >= text.size() || text[at] != quote) return token;
    }
    token.value += text[at++];
  }
  return bad("a quote is not closed");
}

Result<std::vector<Token>> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at;
    } else if (c == '\'' || c == '"' || c == '`') {
      MEKONG_TRY_ASSIGN(auto token, quoted(text, at));
      tokens.push_back(std::move(token));
    } else if (is_word(c)) {
      const size_t begin = at;
      while (at < text.size() && is_word(text[at])) ++at;
      tokens.push_back({Token::Type::word, std::string(text.substr(begin, at - begin))});
    } else {
      size_t length = 1;
      const std::string_view two = text.substr(at, 2);
      if (two == "<=" || two == ">=" || two == "<>" || two == "!=" || two == "==") length = 2;
      tokens.push_back({Token::Type::symbol, std::string(text.substr(at, length))});
      at += length;
    }
  }
  tokens.push_back({});
  return tokens;
}

Kind kind_of(std::string_view type) {
  for (std::string_view number :
       {"tinyint", "smallint", "int", "integer", "bigint", "long", "float", "double"}) {
    if (type == number) return Kind::number;
  }
  return type.starts_with("decimal") ? Kind::number : Kind::text;
}

std::optional<Op> comparison(std::string_view symbol) {
  if (symbol == "=" || symbol == "==") return Op::eq;
  if (symbol == "<>" || symbol == "!=") return Op::ne;
  if (symbol == "<") return Op::lt;
  if (symbol == "<=") return Op::le;
  if (symbol == ">") return Op::gt;
  if (symbol == ">=") return Op::ge;
  return std::nullopt;
}

Op mirrored(Op op) {
  switch (op) {
    case Op::lt:
      return Op::gt;
    case Op::le:
      return Op::ge;
    case Op::gt:
      return Op::lt;
    case Op::ge:
      return Op::le;
    default:
      return op;
  }
}

NodePtr join(Op op, NodePtr left, NodePtr right = nullptr) {
  auto node = std::make_unique<Node>();
  node->op = op;
  node->left = std::move(left);
  node->right = std::move(right);
  return node;
}

class Parser {
 public:
  Parser(std::vector<Token> tokens, const std::vector<Column>& keys, FilterDialect dialect)
      : tokens_(std::move(tokens)), keys_(keys), dialect_(dialect) {}

  Result<NodePtr> parse() {
    MEKONG_TRY_ASSIGN(auto node, any_of());
    if (peek().type != Token::Type::end) return bad(fmt::format("unexpected '{}'", peek().value));
    return node;
  }

 private:
  const Token& peek() const { return tokens_[at_]; }
  Token take() { return tokens_[at_].type == Token::Type::end ? Token{} : tokens_[at_++]; }
  bool take_word(std::string_view word) {
    if (peek().type != Token::Type::word || fold_name(peek().value) != word) return false;
    ++at_;
    return true;
  }
  bool take_symbol(std::string_view symbol) {
    if (peek().type != Token::Type::symbol || peek().value != symbol) return false;
    ++at_;
    return true;
  }

  Result<NodePtr> any_of() {
    MEKONG_TRY_ASSIGN(auto left, all_of());
    while (take_word("or")) {
      MEKONG_TRY_ASSIGN(auto right, all_of());
      left = join(Op::either, std::move(left), std::move(right));
    }
    return left;
  }

  Result<NodePtr> all_of() {
    MEKONG_TRY_ASSIGN(auto left, one());
    while (take_word("and")) {
      MEKONG_TRY_ASSIGN(auto right, one());
      left = join(Op::both, std::move(left), std::move(right));
    }
    return left;
  }

  Result<NodePtr> one() {
    if (++depth_ > depth_max) return bad("nested too deep");
    auto node = nested();
    --depth_;
    return node;
  }

  Result<NodePtr> nested() {
    if (take_word("not")) {
      MEKONG_TRY_ASSIGN(auto inner, one());
      return join(Op::negate, std::move(inner));
    }
    if (!take_symbol("(")) return test();
    MEKONG_TRY_ASSIGN(auto inner, any_of());
    if (!take_symbol(")")) return bad("')' is missing");
    return inner;
  }

  std::optional<size_t> column(const Token& token) const {
    if (token.type != Token::Type::word) return std::nullopt;
    const std::string name = fold_name(token.value);
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (fold_name(keys_[i].name) == name) return i;
    }
    return std::nullopt;
  }

  Result<std::string> literal() {
    const Token token = take();
    if (token.type == Token::Type::word) {
      const std::string word = fold_name(token.value);
      // DATE '2026-01-01', TIMESTAMP '…'
      if ((word == "date" || word == "timestamp") && peek().type == Token::Type::text) return take().value;
      if (column(token)) return bad("two columns are compared");
      const char c = token.value[0];
      if (c >= 'A' && word != "true" && word != "false") {
        return bad(fmt::format("'{}' is not a partition key", token.value));
      }
      return token.value;
    }
    if (token.type == Token::Type::text) return token.value;
    return bad("a literal is missing");
  }

  Result<NodePtr> leaf(Op op, size_t index, std::string value) {
    auto node = std::make_unique<Node>();
    node->op = op;
    node->column = index;
    node->kind = kind_of(fold_name(keys_[index].type));
    node->dialect = dialect_;
    node->literal = std::move(value);
    if (node->kind == Kind::number && op != Op::is_null && op != Op::like) {
      double number = 0;
      const auto& text = node->literal;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size()) {
        return bad(fmt::format("'{}' is not a number, as column {} needs", text, keys_[index].name));
      }
    }
    return node;
  }

  Result<NodePtr> test() {
    const Token first = peek();
    const auto index = column(first);
    if (!index) {  // literal OP column
      MEKONG_TRY_ASSIGN(auto value, literal());
      const auto op = comparison(take().value);
      if (!op) return bad("a comparison is missing");
      const auto mirrored_index = column(peek());
      if (!mirrored_index) return bad(fmt::format("'{}' is not a partition key", peek().value));
      take();
      return leaf(mirrored(*op), *mirrored_index, std::move(value));
    }
    take();
    if (take_word("is")) {
      const bool negated = take_word("not");
      if (!take_word("null")) return bad("NULL is missing after IS");
      MEKONG_TRY_ASSIGN(auto node, leaf(Op::is_null, *index, ""));
      return negated ? join(Op::negate, std::move(node)) : std::move(node);
    }
    const bool negated = take_word("not");
    MEKONG_TRY_ASSIGN(auto node, operation(*index, negated));
    return negated ? join(Op::negate, std::move(node)) : std::move(node);
  }

  Result<NodePtr> operation(size_t index, bool words_only) {
    if (take_word("in")) return in_list(index);
    if (take_word("between")) {
      MEKONG_TRY_ASSIGN(auto low, literal());
      if (!take_word("and")) return bad("AND is missing after BETWEEN");
      MEKONG_TRY_ASSIGN(auto high, literal());
      MEKONG_TRY_ASSIGN(auto above, leaf(Op::ge, index, std::move(low)));
      MEKONG_TRY_ASSIGN(auto below, leaf(Op::le, index, std::move(high)));
      return join(Op::both, std::move(above), std::move(below));
    }
    if (take_word("like")) {
      MEKONG_TRY_ASSIGN(auto pattern, literal());
      return leaf(Op::like, index, std::move(pattern));
    }
    const auto op = words_only ? std::nullopt : comparison(take().value);
    if (!op) return bad("a comparison is missing");
    MEKONG_TRY_ASSIGN(auto value, literal());
    return leaf(*op, index, std::move(value));
  }

  Result<NodePtr> in_list(size_t index) {
    if (!take_symbol("(")) return bad("'(' is missing after IN");
    NodePtr all;
    do {
      MEKONG_TRY_ASSIGN(auto value, literal());
      MEKONG_TRY_ASSIGN(auto equal, leaf(Op::eq, index, std::move(value)));
      all = all ? join(Op::either, std::move(all), std::move(equal)) : std::move(equal);
    } while (take_symbol(","));
    if (!take_symbol(")")) return bad("')' is missing after IN");
    return all;
  }

  std::vector<Token> tokens_;
  const std::vector<Column>& keys_;
  FilterDialect dialect_;
  size_t at_ = 0;
  int depth_ = 0;
};

// Digits after the sign and before the point, without leading zeros: enough to compare integers of any size.
std::optional<int> compare_integers(std::string_view a, std::string_view b) {
  long long x = 0, y = 0;
  const auto ra = std::from_chars(a.data(), a.data() + a.size(), x);
  const auto rb = std::from_chars(b.data(), b.data() + b.size(), y);
  if (ra.ec != std::errc() || rb.ec != std::errc()) return std::nullopt;
  if (ra.ptr != a.data() + a.size() || rb.ptr != b.data() + b.size()) return std::nullopt;
  return x < y ? -1 : x > y ? 1 : 0;
}

std::optional<int> compare(Kind kind, const std::string& a, const std::string& b) {
  if (kind == Kind::text) return a.compare(b);
  if (const auto exact = compare_integers(a, b)) return exact;
  double x = 0, y = 0;
  const auto ra = std::from_chars(a.data(), a.data() + a.size(), x);
  const auto rb = std::from_chars(b.data(), b.data() + b.size(), y);
  if (ra.ec != std::errc() || rb.ec != std::errc()) return std::nullopt;
  return x < y ? -1 : x > y ? 1 : 0;
}

// Greedy wildcard match: `many` is any run of characters, `single` one character.
bool wildcard(std::string_view text, const std::vector<int>& pattern) {
  constexpr int many = -1, single = -2;
  size_t t = 0, p = 0, star = std::string::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == many) {
      star = p++;
      mark = t;
    } else if (p < pattern.size() &&
               (pattern[p] == single || pattern[p] == static_cast<unsigned char>(text[t]))) {
      ++p, ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == many) ++p;
  return p == pattern.size();
}

bool like(FilterDialect dialect, std::string_view text, std::string_view pattern) {
  std::vector<int> compiled;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const auto c = static_cast<unsigned char>(pattern[i]);
    if (c == '\\' && i + 1 < pattern.size()) {
      compiled.push_back(static_cast<unsigned char>(pattern[++i]));
    } else if (dialect == FilterDialect::glue) {
      compiled.push_back(c == '%' ? -1 : c == '_' ? -2 : c);
    } else if (c == '.' && i + 1 < pattern.size() && pattern[i + 1] == '*') {
      compiled.push_back(-1);
      ++i;
    } else {
      compiled.push_back(c == '.' ? -2 : c);
    }
  }
  return wildcard(text, compiled);
}

// Three-valued, as SQL: none is "unknown", from a comparison with NULL.
std::optional<bool> evaluate(const Node& node, const std::vector<std::string>& values) {
  if (node.op == Op::both || node.op == Op::either) {
    const bool decisive = node.op == Op::either;
    const auto left = evaluate(*node.left, values);
    if (left == decisive) return decisive;
    const auto right = evaluate(*node.right, values);
    if (right == decisive) return decisive;
    return left && right ? std::optional(!decisive) : std::nullopt;
  }
  if (node.op == Op::negate) {
    const auto inner = evaluate(*node.left, values);
    return inner ? std::optional(!*inner) : std::nullopt;
  }
  const std::string& value = values[node.column];
  const bool null = value == null_partition;
  if (node.op == Op::is_null) return null;
  if (null) return std::nullopt;
  if (node.op == Op::like) return like(node.dialect, value, node.literal);
  const auto order = compare(node.kind, value, node.literal);
  if (!order) return std::nullopt;
  switch (node.op) {
    case Op::eq:
      return *order == 0;
    case Op::ne:
      return *order != 0;
    case Op::lt:
      return *order < 0;
    case Op::le:
      return *order <= 0;
    case Op::gt:
      return *order > 0;
    default:
      return *order >= 0;
  }
}

}  // namespace

PartitionFilter::PartitionFilter(std::unique_ptr<Node> root) : root_(std::move(root)) {}
PartitionFilter::PartitionFilter(PartitionFilter&&) noexcept = default;
PartitionFilter& PartitionFilter::operator=(PartitionFilter&&) noexcept = default;
PartitionFilter::~PartitionFilter() = default;

Result<PartitionFilter> PartitionFilter::parse(std::string_view text, const std::vector<Column>& keys,
                                               FilterDialect dialect) {
  MEKONG_TRY_ASSIGN(auto tokens, tokens_of(text));
  MEKONG_TRY_ASSIGN(auto root, Parser(std::move(tokens), keys, dialect).parse());
  return PartitionFilter(std::move(root));
}

bool PartitionFilter::matches(const std::vector<std::string>& values) const {
  return evaluate(*root_, values) == true;
}

}  // namespace mekong::catalog
