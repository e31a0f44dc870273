-- What pandoc's HTML lacks: numbered formulas and references to them, bars as fences, links from page to page.

local formulas = dofile(pandoc.path.join({pandoc.path.directory(PANDOC_SCRIPT_FILE), "..", "formulas.lua"}))
local tags, headings = {}, {}

-- A function stands apart from what it is applied to: pandoc writes tanhz. And bars in pairs are fences: alone, pandoc
-- takes a bar for the beginning of something, and + after it for a sign.
local function as_read(tex)
  for _, name in ipairs({"tanh", "log"}) do
    tex = tex:gsub("\\" .. name .. "([%^_]?%d?)%s+(%a)", "\\" .. name .. "%1\\,%2")
      :gsub("\\" .. name .. "\\frac", "\\" .. name .. "\\,\\frac")
  end
  return (tex:gsub("\\|", "\1"):gsub("|([^|&\n]-)|", "\\lvert %1\\rvert "):gsub("\1", "\\|"))
end

local function place_of(tag) return "equation-" .. tag:gsub("%.", "-") end

-- First pass: what can be referred to.
local function take_stock(document)
  tags = formulas.tags_of(document)
  document:walk({
    Header = function(header) headings[pandoc.utils.stringify(header):gsub(" ", "-")] = header.identifier end,
  })
end

-- The pieces of a text between separators (a pattern) that stand outside of braces and environments.
local function pieces_of(tex, separator)
  local pieces, depth, from, at = {}, 0, 1, 1
  while at <= #tex do
    local first, last = tex:find("^" .. separator, at)
    if depth == 0 and first then
      pieces[#pieces + 1] = tex:sub(from, first - 1)
      from, at = last + 1, last + 1
    else
      if tex:find("^{", at) or tex:find("^\\begin", at) then depth = depth + 1 end
      if tex:find("^}", at) or tex:find("^\\end", at) then depth = depth - 1 end
      at = at + (tex:find("^\\[{}&\\]", at) and 2 or 1)
    end
  end
  pieces[#pieces + 1] = tex:sub(from)
  return pieces
end

-- The formula for a narrow screen, what stands side by side one below the other; nil where nothing does.
local function one_below_the_other(tex)
  local lines, rows = {}, {tex}
  local inner = tex:match("^%s*\\begin{aligned}(.*)\\end{aligned}%s*$")
  if inner then rows = pieces_of(inner, "\\\\") end
  for _, row in ipairs(rows) do
    local cells = pieces_of(row, "&")
    for k = 1, #cells, 2 do
      local left, right = cells[k], cells[k + 1]
      local pieces = pieces_of((right or left):gsub(",%s*\\quad", ",\\qquad"), "\\qquad")
      local signs = inner or pandoc.List(pieces):filter(function(piece) return #pieces_of(piece, "=") < 2 end)[1] == nil
      for number, piece in ipairs(pieces) do
        local before = signs and pieces_of(piece, "=")[1] or piece
        if right and number == 1 then piece = left .. "&" .. piece
        else piece = before == piece and "&" .. piece or before .. "&" .. piece:sub(#before + 1) end
        if piece:match("[^&%s]") then lines[#lines + 1] = piece end
      end
    end
  end
  return #lines > #rows and "\\begin{aligned}" .. table.concat(lines, "\\\\") .. "\\end{aligned}" or nil
end

local function Math(math)
  local tex, tag = formulas.without_tag(math.text)
  math.text = as_read(formulas.with_gaps(tex))
  if math.mathtype == "InlineMath" then return math end
  local shown, narrow = {math}, one_below_the_other(tex)
  if narrow then
    shown = {pandoc.Span({math}, {class = "wide"}),
             pandoc.Span({pandoc.Math("DisplayMath", as_read(narrow))}, {class = "narrow"})}
  end
  local inlines = {pandoc.Span(shown, {class = "formula"})}
  if tag then inlines[2] = pandoc.Span({pandoc.RawInline("html", "(" .. tag .. ")")}, {class = "number"}) end
  return pandoc.Span(inlines, {class = "equation", id = tag and place_of(tag) or ""})
end

-- No line begins with the punctuation behind a formula, or ends with the bracket before it.
local function Inlines(inlines)
  local kept = pandoc.Inlines({})
  for k, inline in ipairs(inlines) do
    local last = kept[#kept]
    local opens = inline.t == "Math" and last and last.t == "Str" and last.text == "("
    local closes = inline.t == "Str" and #inline.text < 4 and inline.text:match("^[%.,;:%)%?]+$")
      and last and (last.t == "Math" and #last.text < 40 or last.t == "Span")
    if opens or closes then kept[#kept] = pandoc.Span({last, inline}, {class = "whole"})
    else kept:insert(inline) end
  end
  return kept
end

local function Str(str) return formulas.with_link(str, tags, place_of) end

-- A link to a notebook leads to its page; where there is no page, the words stay. Titles of notebooks are in italics.
local function Link(link)
  local number, name, place = link.target:match("^[%l./]*0(%d)(_[%w_]+)%.ipynb#?(.*)$")
  local heading = link.target:match("^#(.*)$")
  if number then
    if pandoc.utils.stringify(link):match("^%d%. ") then link.content = {pandoc.Emph(link.content)} end
    link.target = (number == "0" and "index" or "0" .. number .. name) .. ".html" .. place:gsub("^.", "#%0"):lower()
  elseif heading and headings[heading] then
    link.target = "#" .. headings[heading]
  elseif heading and not link.target:match("^#equation%-") then
    error("a link leads nowhere: " .. link.target)
  elseif not heading and not link.target:match("^https://") and not link.target:match("^[%w-]+%.html$") then
    return link.content
  end
  return link
end

-- Every column as wide as what stands in it, rather than as the dashes under its head; a head without words is left out.
local function Table(table)
  local words = {}
  for _, row in ipairs(table.head.rows) do
    for _, cell in ipairs(row.cells) do words[#words + 1] = pandoc.utils.stringify(cell.contents) end
  end
  if table.head.rows[1] and #pandoc.utils.stringify(words) == 0 then table.head.rows = {} end
  for _, column in ipairs(table.colspecs) do column[2] = nil end
  return table
end

local function Header(header)
  if header.level == 1 then header.identifier = "" end
  return header
end

return {{Pandoc = take_stock}, {Inlines = Inlines}, {Header = Header, Link = Link, Math = Math, Table = Table}, {Str = Str}}
