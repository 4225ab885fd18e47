// SearchTables: the tables of all databases by what they say of themselves, as far as the caller may see
// them.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "codec/text.h"
#include "services/glue/convert.h"
#include "services/glue/service.h"

namespace mekong::glue {
namespace {

bool is_punctuation(char c) {
  return c == '_' || std::string_view(" \t-:#./,;@+=()").find(c) != std::string_view::npos;
}

// A word of SearchText, in lower case; in quotes it is to be all of a value.
struct Term {
  std::string text;
  bool whole = false;
};

std::vector<Term> terms_of(const std::string& text) {
  std::vector<Term> terms;
  for (size_t at = text.find_first_not_of(" \t"); at < text.size(); at = text.find_first_not_of(" \t", at)) {
    const bool quoted = text[at] == '"';
    if (quoted) ++at;
    const size_t end = std::min(text.find_first_of(quoted ? "\"" : " \t", at), text.size());
    terms.push_back({codec::lower_case(std::string_view(text).substr(at, end - at)), quoted});
    at = std::min(end + (quoted ? 1 : 0), text.size());
  }
  return terms;
}

// All that SearchText is looked for in: the table's own words and its database's.
std::vector<std::string> texts_of(const catalog::Database& database, const catalog::Table& table) {
  std::vector<std::string> texts = {table.name, table.description, table.owner,
                                    table.type, table.database,    database.description};
  const auto add = [&](const std::vector<catalog::Column>& columns) {
    for (const auto& column : columns) texts.insert(texts.end(), {column.name, column.comment});
  };
  add(table.partition_keys);
  if (table.storage) {
    add(table.storage->columns);
    texts.push_back(table.storage->location);
  }
  for (const auto& [key, value] : table.parameters) texts.insert(texts.end(), {key, value});
  for (auto& text : texts) text = codec::lower_case(text);
  return texts;
}

bool holds(const std::vector<std::string>& texts, const Term& term) {
  return std::ranges::any_of(texts, [&](const std::string& text) {
    return term.whole ? text == term.text : text.find(term.text) != std::string::npos;
  });
}

// A property by the name that filters and sort criteria use; times in digits that sort as they do.
std::optional<std::string> property(const catalog::Table& table, std::string_view name) {
  if (name == "Name") return table.name;
  if (name == "DatabaseName") return table.database;
  if (name == "Description") return table.description;
  if (name == "Owner") return table.owner;
  if (name == "TableType") return table.type;
  if (name == "CreateTime") return fmt::format("{:020}", table.create_ms);
  if (name == "UpdateTime") return fmt::format("{:020}", table.update_ms);
  return std::nullopt;
}

// The whole value, or one of the tokens that punctuation makes of it: "link" finds customer-link, not xlinky.
bool has_token(const std::string& text, const std::string& wanted) {
  if (text == wanted) return true;
  for (auto begin = text.begin(); begin != text.end();) {
    const auto end = std::find_if(begin, text.end(), is_punctuation);
    if (std::string_view(begin, end) == wanted) return true;
    begin = end == text.end() ? end : std::next(end);
  }
  return false;
}

Status check_filters(const api::Context& ctx, const std::vector<model::PropertyPredicate>& filters) {
  for (const auto& filter : filters) {
    if (!filter.key || !filter.value)
      return Error{"InvalidInputException", "A filter has a Key and a Value."};
    const bool built = property({}, *filter.key).has_value() && !filter.key->ends_with("Time");
    MEKONG_TRY(refuse(ctx, {{!built, "Filters.Key " + *filter.key}}));
    if (filter.comparator.value_or("EQUALS") != "EQUALS") {
      return Error{"InvalidInputException", "A Comparator is for times, not for " + *filter.key + "."};
    }
  }
  return ok();
}

// The page's tables in their order, one more than it holds if there are more, whatever the catalogue's size.
class Found {
 public:
  Found(const model::SortCriterion& criterion, catalog::PageRequest page)
      : field_(criterion.field_name.value_or("DatabaseName")),
        page_(std::move(page)),
        tables_(Order{criterion.sort == "DESC"}) {}

  void add(catalog::Table table) {
    auto place = property(table, field_).value_or("") + '\0' + table.database + '\0' + table.name;
    if (!page_.after.empty() && !tables_.key_comp()(page_.after, place)) return;
    tables_.emplace(std::move(place), std::move(table));
    if (tables_.size() > page_.limit + 1) tables_.erase(std::prev(tables_.end()));
  }

  model::SearchTablesResponse reply(const api::Context& ctx) const {
    model::SearchTablesResponse response;
    response.table_list.emplace();
    for (const auto& [place, table] : tables_) {
      if (response.table_list->size() == page_.limit) break;
      response.table_list->push_back(to_model(ctx, table));
      if (tables_.size() > page_.limit) response.next_token = token_of(place);
    }
    return response;
  }

 private:
  struct Order {
    bool descending;
    bool operator()(const std::string& a, const std::string& b) const { return descending ? b < a : a < b; }
  };
  std::string field_;
  catalog::PageRequest page_;
  std::map<std::string, catalog::Table, Order> tables_;
};

// Every table of the databases that the caller may search.
template <class Visit>
Status each_table(api::Context& ctx, const catalog::Catalog& catalog, const Visit& visit) {
  const std::string arn = fmt::format("arn:aws:glue:{}:{}:database/", ctx.region.value, ctx.account.value);
  catalog::PageRequest databases;
  do {
    MEKONG_TRY_ASSIGN(auto some, catalog.list_databases(ctx.scope(), databases));
    for (const auto& database : some.items) {
      if (!ctx.authorise_action(ctx.action, arn + database.name).ok()) continue;
      catalog::PageRequest page;
      do {
        auto tables = catalog.list_tables(ctx.scope(), database.name, page);
        if (!tables && tables.error().code == "EntityNotFoundException") break;  // deleted meanwhile
        if (!tables) return tables.error();
        for (auto& table : tables->items) visit(database, std::move(table));
        page.after = tables->next;
      } while (!page.after.empty());
    }
    databases.after = some.next;
  } while (!databases.after.empty());
  return ok();
}

}  // namespace

Result<model::SearchTablesResponse> Service::search_tables(api::Context& ctx,
                                                           const model::SearchTablesRequest& request) {
  MEKONG_TRY(authorise(ctx, request.catalog_id, {}));
  MEKONG_TRY(refuse(ctx, {{request.resource_share_type.has_value(), "ResourceShareType"},
                          {request.include_status_details.value_or(false), "IncludeStatusDetails"}}));
  auto filters = request.filters.value_or(std::vector<model::PropertyPredicate>());
  MEKONG_TRY(check_filters(ctx, filters));
  for (auto& filter : filters) filter.value = codec::lower_case(*filter.value);
  model::SortCriterion sort;
  if (request.sort_criteria && !request.sort_criteria->empty()) sort = request.sort_criteria->front();
  const auto field = sort.field_name.value_or("DatabaseName");
  MEKONG_TRY(refuse(ctx, {{!property({}, field), "SortCriteria.FieldName " + field}}));
  MEKONG_TRY_ASSIGN(auto page, page_of(request.next_token, request.max_results, 100));
  const auto terms = terms_of(request.search_text.value_or(""));
  Found found(sort, std::move(page));
  MEKONG_TRY(each_table(ctx, catalog_, [&](const catalog::Database& database, catalog::Table table) {
    const auto texts = terms.empty() ? std::vector<std::string>() : texts_of(database, table);
    const bool wanted = std::ranges::all_of(terms, [&](const Term& term) { return holds(texts, term); }) &&
                        std::ranges::all_of(filters, [&](const auto& filter) {
                          return has_token(codec::lower_case(*property(table, *filter.key)), *filter.value);
                        });
    if (wanted && may_see(ctx, table)) found.add(std::move(table));
  }));
  return found.reply(ctx);
}

}  // namespace mekong::glue
