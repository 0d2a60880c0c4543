// What page/metrics.js, page/nearest.js and page/photos.js do; the outcome lists what went wrong.
(async () => {
  const { parse, sum, buckets, since, quantile, look, between } = await import('/page/metrics.js');
  const { cosine, nearest } = await import('/page/nearest.js');
  const wrong = [];
  const same = (what, found, expected) => {
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      wrong.push(`${what}: ${JSON.stringify(found)} (expected: ${JSON.stringify(expected)})`);
    }
  };
  const text = [
    '# HELP a A number.', '# TYPE a counter',
    'a{x="1",y="quote \\" slash \\\\ line \\n {}"} 3', 'a{x="2",y=""} 4.5e1', 'plain 7', 'endless +Inf', '',
    'h_bucket{le="1"} 2', 'h_bucket{le="2"} 6', 'h_bucket{le="+Inf"} 8', 'h_sum 15', 'h_count 8',
  ].join('\n');
  const numbers = parse(text);
  same('labels', numbers.get('a')[0].labels, { x: '1', y: 'quote " slash \\ line \n {}' });
  same('sum', sum(numbers, 'a'), 48);
  same('sum of some', sum(numbers, 'a', ({ x }) => x === '2'), 45);
  same('sum of nothing', sum(numbers, 'b'), 0);
  same('endless', sum(numbers, 'endless') === Infinity, true);
  const counts = buckets(numbers, 'h');
  same('buckets', [...counts.values()], [2, 6, 8]);
  same('median', quantile(counts, 0.5), 1.5);
  same('beyond the last bound', quantile(counts, 0.99), 2);
  same('nothing', quantile(new Map(), 0.5), null);
  same('since', [...since(new Map([[1, 1], [2, 2], [Infinity, 2]]), counts).values()], [1, 4, 6]);
  same('began anew', [...since(new Map([[Infinity, 9]]), counts).values()], [2, 6, 8]);
  const lines = (answered, failed) => [
    `api_requests_total{endpoint="/detect",status="200"} ${answered}`,
    `api_requests_total{endpoint="/detect",status="503"} ${failed}`,
    `triton_batch_size_count ${answered}`, `triton_batch_size_sum ${answered * 3}`,
  ].join('\n');
  const now = between(look(lines(10, 0), 1000), look(lines(30, 4), 3000));
  same('rate', [now.answered, now.refused, now.failed], [10, 0, 2]);
  same('batch', now.batch, 3);
  same('no requests in the histogram', now.p99, null);
  same('restarted', between(look(lines(30, 0), 0), look(lines(2, 0), 1000)).answered, 2);
  same('cosine', [cosine([1, 0], [2, 0]), cosine([1, 0], [0, 3]), cosine([0, 0], [1, 1])], [1, 0, 0]);
  const photos = [[1, 0], [0, 1], [1, 1]].map((embedding) => ({ embedding }));
  same('nearest', nearest(photos[0], photos).map(({ photo }) => photos.indexOf(photo)), [2, 1]);
  same('other lengths', nearest({ embedding: [1] }, photos), []);

  const { Photos } = await import('/page/photos.js');
  const photosOfTab = new Photos(() => {});
  for (let index = 0; index < 203; index++) {
    await photosOfTab.add(new File(['no picture'], `${index}.tif`));
  }
  same('photos that are kept', [photosOfTab.all.length, photosOfTab.all[0].file.name], [200, '3.tif']);
  return wrong;
})()
