-- What the filters of the book and of the handouts do with formulas and their numbers.

local formulas = {}

-- Pairs of columns stand apart in JupyterLab; pandoc sets them side by side.
function formulas.with_gaps(tex)
  if not tex:match("\\begin{aligned}") then return tex end
  local columns = 0
  return (tex:gsub("\\?[&\\]", function(sign)
    if sign == "\\\\" then columns = 0 end
    if sign ~= "&" then return sign end
    columns = columns + 1
    return columns % 2 == 0 and "&\\qquad " or "&"
  end))
end

-- The formula, and its number.
function formulas.without_tag(tex)
  local before, tag, after = tex:match("^(.-)%s*\\tag{([^}]*)}(.*)$")
  if tag then return before .. after, tag end
  return tex, nil
end

-- {number: true} of the numbered formulas.
function formulas.tags_of(document)
  local tags = {}
  document:walk({
    Math = function(math)
      local _, tag = formulas.without_tag(math.text)
      if tag then tags[tag] = true end
    end,
  })
  return tags
end

-- "(1.2)" in the text leads to the formula of this number, where the document has it; `place_of` names its place.
function formulas.with_link(str, tags, place_of)
  local before, tag, after = str.text:match("^(.-)%((%d%.%d+)%)(.*)$")
  if tag and tags[tag] then
    return {pandoc.Str(before), pandoc.Link("(" .. tag .. ")", "#" .. place_of(tag)), pandoc.Str(after)}
  end
end

return formulas
