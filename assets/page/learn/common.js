// What the steps of the tab 原理 share.
/** Calls `ask` once, when this part comes into view: nothing is computed for those who do not look. */
const whenSeen = (ask) => new IntersectionObserver(([entry], watching) => {
  if (!entry.isIntersecting) return;
  watching.disconnect();
  ask();
}, { rootMargin: '400px' }).observe(element);
const show = decimal;
const sum = (values) => values.reduce((total, one) => total + one, 0);
const mean = (values) => sum(values) / values.length;
/** Softmax of scale · cosines. */
const shares = (cosines, scale) => {
  const top = Math.max(...cosines);
  const powers = cosines.map((one) => Math.exp(scale * (one - top)));
  const total = sum(powers);
  return powers.map((one) => one / total);
};
/** ln of the sum of e^(scale · cosine), without overflow. */
const logSum = (cosines, scale) => {
  const top = Math.max(...cosines);
  return scale * top + Math.log(sum(cosines.map((one) => Math.exp(scale * (one - top)))));
};
/** -ln of the share that the one at `right` has, without rounding a share of 0. */
const surprise = (cosines, right, scale) => logSum(cosines, scale) - scale * cosines[right];
/** Both directions of the contrastive loss: rows[i][j] is photo i with caption j, i = j a pair. */
const losses = (rows, scale) => ({
  byImage: rows.map((row, i) => surprise(row, i, scale)),
  byText: rows.map((_, j) => surprise(rows.map((row) => row[j]), j, scale)),
});
