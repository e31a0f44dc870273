-- What pandoc's HTML lacks: numbered formulas and references to them, bars as fences, links from page to page.

local tags, headings = {}, {}

-- Pairs of columns stand apart in JupyterLab; pandoc sets them side by side.
local function with_gaps(tex)
  if not tex:match("\\begin{aligned}") then return tex end
  local columns = 0
  return (tex:gsub("\\?[&\\]", function(sign)
    if sign == "\\\\" then columns = 0 end
    if sign ~= "&" then return sign end
    columns = columns + 1
    return columns % 2 == 0 and "&\\qquad " or "&"
  end))
end

-- Bars in pairs are fences: alone, pandoc takes a bar for the beginning of something, and + after it for a sign.
local function with_fences(tex)
  return (tex:gsub("\\|", "\1"):gsub("|([^|&\n]-)|", "\\lvert %1\\rvert "):gsub("\1", "\\|"))
end

local function without_tag(tex)
  local before, tag, after = tex:match("^(.-)%s*\\tag{([^}]*)}(.*)$")
  if tag then return before .. after, tag end
  return tex, nil
end

local function place_of(tag) return "equation-" .. tag:gsub("%.", "-") end

-- First pass: what can be referred to.
local function take_stock(document)
  document:walk({
    Math = function(math)
      local _, tag = without_tag(math.text)
      if tag then tags[tag] = true end
    end,
    Header = function(header) headings[pandoc.utils.stringify(header):gsub(" ", "-")] = header.identifier end,
  })
end

local function Math(math)
  local tex, tag = without_tag(math.text)
  math.text = with_fences(with_gaps(tex))
  if math.mathtype == "InlineMath" then return math end
  local inlines = {pandoc.Span({math}, {class = "formula"})}
  if tag then inlines[2] = pandoc.Span({pandoc.RawInline("html", "(" .. tag .. ")")}, {class = "number"}) end
  return pandoc.Span(inlines, {class = "equation", id = tag and place_of(tag) or ""})
end

-- "(1.2)" in the text leads to the formula of this number, where the page has it.
local function Str(str)
  local before, tag, after = str.text:match("^(.-)%((%d%.%d+)%)(.*)$")
  if tag and tags[tag] then
    return {pandoc.Str(before), pandoc.Link("(" .. tag .. ")", "#" .. place_of(tag)), pandoc.Str(after)}
  end
end

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

return {{Pandoc = take_stock}, {Header = Header, Link = Link, Math = Math, Table = Table}, {Str = Str}}
